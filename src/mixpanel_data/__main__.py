"""Run the command line as ``python -m mixpanel_data``."""

from mixpanel_data.cli import main

main()
