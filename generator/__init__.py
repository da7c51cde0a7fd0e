"""studyguide: one content source, rendered into an Anki deck, a handbook and an EPUB."""

__version__ = "0.1.0.dev0"
