export { Platform as default } from "./health.tsx";
