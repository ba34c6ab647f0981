# SPDX-License-Identifier: Apache-2.0
# bash completion for vedette(1). Commands and options are what the program's own --help says.

# Words of the first column of --help: options, or commands.
_vedette_options() { ARGP_HELP_FMT=rmargin=4000 "$@" --help 2>/dev/null | grep -oE -- '^ +(-[a-zA-Z?][^-]*)?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+$'; }
_vedette_commands() { ARGP_HELP_FMT=rmargin=4000 "$1" --help 2>/dev/null | awk '/^Commands:/ { on = 1; next } NF == 0 { on = 0 } on { print $1 }'; }

_vedette() {
	local cur=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} command='' root='' i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root | --log | --log-format) [[ ${COMP_WORDS[i]} = --root ]] && root=${COMP_WORDS[i + 1]}; ((i++)) ;;
		-*) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	COMPREPLY=()
	if [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_vedette_options "$program") $(_vedette_commands "$program")" -- "$cur")
		return
	fi
	if [[ $cur = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_vedette_options "$program" "$command")" -- "$cur")
		return
	fi
	case $command in
	do) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	run | create | spec | check | syscalls | limits | features | list) ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$("$program" ${root:+--root "$root"} list -q 2>/dev/null)" -- "$cur") ;;
	esac
	# Readline completes file names where nothing else fits.
}
complete -o default -F _vedette vedette
