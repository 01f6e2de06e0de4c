"""``python -m weightscope_widget`` is the command ``wsw``."""

from weightscope_widget.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
