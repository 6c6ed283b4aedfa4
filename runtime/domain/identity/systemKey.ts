/** Stands for a key in what the platform sends of itself. */
export const SYSTEM_KEY = "key_system";
