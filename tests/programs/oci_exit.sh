#!/bin/sh
# Exit statuses, what a command inherits, and one clean line for every mistake.
set -u
n=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

# status NAME WANTED CMD...: the exit status, and no output on stderr but one line starting "vedette".
status() {
	name=$1 want=$2
	shift 2
	timeout -k 5 60 "$@" >"$dir/out" 2>"$dir/all" </dev/null
	got=$?
	grep -v 'warning: sanitizer build' "$dir/all" >"$dir/err"
	if [ $got -ne "$want" ]; then
		not_ok "$name" "status $got, not $want" "$(cat "$dir/err")"
	elif [ "$(grep -c . "$dir/err")" -gt 1 ] || grep -qv '^vedette' "$dir/err"; then
		not_ok "$name" "more than a line of vedette's:" "$(cat "$dir/err")"
	else
		ok "$name"
	fi
}

# says NAME TEXT: what the last command wrote to stderr contains TEXT.
says() {
	if grep -qF -- "$2" "$dir/err"; then ok "$1"; else not_ok "$1" "no '$2' in: $(cat "$dir/err")"; fi
}

# same NAME CMD...: prints inside what it prints outside.
same() {
	name=$1
	shift
	want=$("$@" </dev/null 2>&1)
	got=$(timeout -k 5 60 "$VEDETTE" --log /dev/null do -- "$@" </dev/null 2>&1)
	if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name" "inside: $got" "outside: $want"; fi
}

status true 0 "$VEDETTE" do -- /bin/true
status exit_code 7 "$VEDETTE" do -- /bin/sh -c 'exit 7'
status exit_255 255 "$VEDETTE" do -- /bin/sh -c 'exit 255'
status died_of_term 143 "$VEDETTE" do -- /bin/sh -c 'kill -TERM $$'
status died_of_kill 137 "$VEDETTE" do -- /bin/sh -c 'kill -KILL $$'
status died_of_segv 139 "$VEDETTE" do -- /bin/sh -c 'kill -SEGV $$'

status missing_path 127 "$VEDETTE" do -- /nonexistent/program
says missing_path_says '/nonexistent/program: no such file or directory'
status missing_name 127 "$VEDETTE" do -- no-such-program-here
status path_through_file 127 "$VEDETTE" do -- /etc/passwd/x
status directory 126 "$VEDETTE" do -- /etc
status no_x_bit 126 "$VEDETTE" do -- /etc/passwd
says no_x_bit_says 'permission denied'

cp /bin/true "$dir/arm" && printf '\267\000' | dd of="$dir/arm" bs=1 seek=18 conv=notrunc 2>/dev/null
status wrong_architecture 126 "$VEDETTE" do -- "$dir/arm"
says wrong_architecture_says 'exec format error'
head -c 100 /bin/true >"$dir/short" && chmod +x "$dir/short"
status truncated_elf 126 "$VEDETTE" do -- "$dir/short"
: >"$dir/empty" && chmod +x "$dir/empty"
status empty_file 126 "$VEDETTE" do -- "$dir/empty"
printf '#!/no/such/interpreter\n' >"$dir/script" && chmod +x "$dir/script"
status no_interpreter 127 "$VEDETTE" do -- "$dir/script"
says no_interpreter_says 'interpreter'
ln -s loop "$dir/loop"
status symlink_loop 126 "$VEDETTE" do -- "$dir/loop"

status bad_root 125 "$VEDETTE" do --root /nonexistent -- /bin/true
status root_is_file 125 "$VEDETTE" do --root /etc/passwd -- /bin/true
status bad_cwd 125 "$VEDETTE" do --cwd /nonexistent -- /bin/true
status bad_trace_file 125 "$VEDETTE" do --trace=/nonexistent/t -- /bin/true
status bad_log_file 125 "$VEDETTE" --log /nonexistent/l do -- /bin/true
status unknown_command 2 "$VEDETTE" frobnicate
for args in 'do' 'do --user x -- true' 'do --max-tasks 0 -- true' 'do --nonsense -- true' \
	'--log-format=xml do -- true' 'run' 'run a b' 'run --overlay=most a'; do
	# shellcheck disable=SC2086
	timeout -k 5 60 "$VEDETTE" $args >/dev/null 2>"$dir/err" </dev/null
	got=$?
	name=usage_$(echo "$args" | tr -c 'a-z\n' _)
	if [ $got -eq 2 ]; then ok "$name"; else not_ok "$name" "status $got" "$(cat "$dir/err")"; fi
done
status help 0 "$VEDETTE" --help
status help_do 0 "$VEDETTE" do --help
status version 0 "$VEDETTE" --version

cd "$dir" || exit 1
same cwd pwd
same environment env -i A=1 B='two words' /usr/bin/env
(umask 027; [ "$(timeout -k 5 60 "$VEDETTE" --log /dev/null do -- /bin/sh -c umask)" = 0027 ]) && ok umask || not_ok umask
[ "$(echo in | timeout -k 5 60 "$VEDETTE" --log /dev/null do -- cat)" = in ] && ok stdin || not_ok stdin
[ "$(timeout -k 5 60 "$VEDETTE" --log /dev/null do -- sh -c 'echo err >&2' 2>&1 >/dev/null)" = err ] && ok stderr || not_ok stderr
timeout -k 5 60 "$VEDETTE" --log /dev/null do -- sh -c 'echo a; echo b >&2; echo c' >"$dir/both" 2>&1
[ "$(tr '\n' . <"$dir/both")" = a.b.c. ] && ok one_file_for_both || not_ok one_file_for_both "$(cat "$dir/both")"
timeout -k 5 60 "$VEDETTE" --log /dev/null do -- sh -c 'cat; echo $?' <&- >"$dir/closed" 2>&1
[ "$(cat "$dir/closed")" = 0 ] && ok closed_stdin_is_empty || not_ok closed_stdin_is_empty "$(cat "$dir/closed")"
# timeout(1) has a handler of its own, so the trap stands after it.
[ "$(timeout -k 5 60 sh -c 'trap "" HUP; exec "$VEDETTE" --log /dev/null do -- sh -c "kill -HUP \$\$; echo alive"')" = alive ] &&
	ok ignored_signal_is_inherited || not_ok ignored_signal_is_inherited
[ "$(timeout -k 5 60 "$VEDETTE" --log /dev/null do -e A=new -e HOME -- sh -c 'echo $A,$HOME')" = new, ] && ok env_option || not_ok env_option
[ "$(timeout -k 5 60 "$VEDETTE" --log /dev/null do --hostname box -- uname -n)" = box ] && ok hostname_option || not_ok hostname_option
[ "$(timeout -k 5 60 "$VEDETTE" --log /dev/null do --kernel 5.4.1 -- uname -r)" = 5.4.1 ] && ok kernel_option || not_ok kernel_option
[ "$(timeout -k 5 60 "$VEDETTE" --log /dev/null do -u 12:34 -- sh -c 'id -u; id -g' | tr '\n' ,)" = 12,34, ] && ok user_option || not_ok user_option
timeout -k 5 60 "$VEDETTE" --log /dev/null do -- sh -c "echo x >$dir/new; rm $dir/both; cat $dir/new" >"$dir/inside" 2>&1
[ "$(cat "$dir/inside")" = x ] && [ ! -e "$dir/new" ] && [ -e "$dir/both" ] &&
	ok writes_stay_inside || not_ok writes_stay_inside "$(cat "$dir/inside")"

timeout -k 5 60 "$VEDETTE" --log "$dir/log" --log-format=json do -- /nonexistent 2>"$dir/err"
grep -q '"level":"error".*"/nonexistent' "$dir/log" || grep -q '"msg":"/nonexistent' "$dir/log" &&
	ok log_has_errors || not_ok log_has_errors "$(cat "$dir/log")"
grep -q '^vedette: /nonexistent' "$dir/err" && ok stderr_has_errors_too || not_ok stderr_has_errors_too
timeout -k 5 60 "$VEDETTE" --log "$dir/debug" --debug do -- /bin/true && [ -s "$dir/debug" ] &&
	ok debug_goes_to_the_log || not_ok debug_goes_to_the_log

echo "1..$n"
