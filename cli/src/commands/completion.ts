import { command } from "../run.ts";

/** Each asks the program itself what fits, so that a new command is completed at once. */
const scripts = {
  bash: `_triggers() {
  local IFS=$'\\n'
  COMPREPLY=($(triggers --complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _triggers triggers`,
  zsh: `#compdef triggers
_triggers() {
  local -a found
  found=("\${(@f)$(triggers --complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _triggers triggers`,
  fish: `complete -c triggers -f -a '(triggers --complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
} as const;

export default command<object, [shell: keyof typeof scripts]>(async ({ out }, shell) => {
  out.answer({ shell, script: scripts[shell] }, () => scripts[shell].split("\n"));
});
