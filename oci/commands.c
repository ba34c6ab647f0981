/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cli.h"

const struct command commands[] = {
	{"do", "run a command over the host's files: read-only below, memory above", command_do},
	{"run", "run the container that an OCI bundle describes", command_run},
	{"create", "create a container from an OCI bundle", command_create},
	{"start", "start the program of a created container", command_start},
	{"exec", "run another program in a container", command_exec},
	{"state", "what is known of a container", command_state},
	{"kill", "send a signal to a container", command_kill},
	{"delete", "remove a container", command_delete},
	{"list", "the containers that are known", command_list},
	{"logs", "what a container in the background has written", command_logs},
	{"diff", "what a container has changed in its root file system", command_diff},
	{"export", "the changes as a tar archive, as an image's layer has it", command_export},
	{"pause", "stop all processes of a container for a while", command_pause},
	{"resume", "let a paused container go on", command_resume},
	{"ps", "the host processes of a container", command_ps},
	{"update", "change the limits of a container that runs", command_update},
	{"events", "what a container uses, and when its memory runs out", command_events},
	{"spec", "write a config.json to start from", command_spec},
	{"features", "what config.json may ask of vedette, as JSON for engines", command_features},
	{"check", "what this host offers vedette, and the fix for what it lacks", command_check},
	{"syscalls", "the system calls offered to guests, and how completely", command_syscalls},
	{"limits", "the host calls that a sandbox can ever make, with their kernel versions",
	 command_limits},
};
const size_t commands_count = sizeof commands / sizeof commands[0];
