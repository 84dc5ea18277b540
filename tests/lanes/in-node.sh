#!/bin/bash
# Runs in a virtual node: the tests that need one.
export DOTNET_ROOT=/test/dotnet PINAGENT_BIN=/test/agent/pinagent
exec /test/tests/PinAgent.HostTests -noColor -trait lane=node -trait also=node
