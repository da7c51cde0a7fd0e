"""CSV: every question beside its brief answer, for Quizlet and spreadsheets."""

import csv
import io

from generator.exporters import Artifact, Context
from generator.model import Book


class CsvExporter:
    """One line a question, in the book's order."""

    suffix = ".csv"
    summary = "CSV: question and brief answer in plain text, for Quizlet"

    def export(self, book: Book, context: Context) -> Artifact:
        """Make the table."""
        questions = list(book.questions)
        table = io.StringIO()
        writer = csv.writer(table)
        for done, question in enumerate(questions, start=1):
            writer.writerow([question.title, question.brief.plain])
            context.progress(done, len(questions))
        # The byte order mark tells Excel that this is UTF-8.
        return Artifact(table.getvalue().encode("utf-8-sig"), {"questions": len(questions)})
