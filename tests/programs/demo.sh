#!/bin/sh
# The demo as a test: whole Debian programs inside print what they print natively.
exec bash tests/demo "${VEDETTE#"$PWD"/}" --tap
