"""``python -m generator`` is ``studyguide``."""

from generator.cli import main

if __name__ == "__main__":
    main(prog_name="studyguide")
