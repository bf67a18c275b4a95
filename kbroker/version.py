"""The version of kbroker, in the one place that the build, the command line and the log read it from."""

VERSION = "0.1.0"
