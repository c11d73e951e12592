#!/bin/sh
# The cargo of maturin: with it the wheel carries the very program of the other packages, and nothing is compiled twice.
exec cargo auditable "$@"
