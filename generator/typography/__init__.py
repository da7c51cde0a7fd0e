"""Chinese typography for print: the book's faces, and lines finished as CLREQ asks."""
