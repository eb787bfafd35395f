#!/usr/bin/env python3
"""Makes the documents that rag-extract's tests read.

    python3 -m venv venv
    venv/bin/pip install -r scripts/make-test-documents.requirements.txt
    venv/bin/python scripts/make-test-documents.py

The results are small and committed; nothing else needs this script. With
LibreOffice on the path it also makes the files of the old binary formats
(.doc, .ppt); without it those are left as they are.
"""

import gzip
import io
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "crates/rag-extract/testdata/document"

TITLE = "Keeping the Lamp"
INTRO = "The lamp of Skerry Rock is lit at dusk and tended until dawn."
OIL = "Fill the reservoir with colza oil up to the brass mark."
FOG = "In fog the bell is struck every ninety seconds."
ROWS = [
    ("Keeper", "Watch", "Wage"),
    ("Agnes Moar", "first", 41.5),
    ("Tobias Flett", "second", 38),
    ("Ingrid Sinclair", "third", 36.25),
]


def docx() -> None:
    import docx as library

    document = library.Document()
    document.core_properties.title = TITLE
    document.add_heading("Duties of the keeper", 1)
    document.add_paragraph(INTRO)
    document.add_heading("Oil", 2)
    document.add_paragraph(OIL)
    for step in ("Trim the wick", "Wipe the lens", "Wind the clockwork"):
        document.add_paragraph(step, style="List Number")
    table = document.add_table(rows=0, cols=3)
    table.style = "Table Grid"
    for row in ROWS:
        cells = table.add_row().cells
        for cell, value in zip(cells, row):
            cell.text = str(value)
    document.add_heading("Fog", 2)
    document.add_paragraph(FOG)
    document.save(OUT / "keeper.docx")


def xlsx() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    wages = book.active
    wages.title = "Wages"
    for row in ROWS:
        wages.append(row)
    stores = book.create_sheet("Stores & Oil")
    stores.append(("Item", "Barrels", "Cellar"))
    for number in range(1, 41):
        stores.append((f"colza oil lot {number}", number * 3, f"row {number % 7}"))
    book.create_sheet("Empty")
    book.save(OUT / "stores.xlsx")

    book = openpyxl.Workbook()
    book.active.title = "Tides"
    for row in (("Harbour", "High water"), ("Stromness", "04:12"), ("Kirkwall", "05:37")):
        book.active.append(row)
    book.save(OUT / "tides.xlsx")


def xls() -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Wages")
    for number, row in enumerate(ROWS):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    book.add_sheet("Notes").write(0, 0, FOG)
    book.save(str(OUT / "wages.xls"))


def pptx() -> None:
    import pptx as library

    deck = library.Presentation()
    deck.core_properties.title = "Training for keepers"
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = TITLE
    first.placeholders[1].text = "A course in three evenings"
    second = deck.slides.add_slide(deck.slide_layouts[1])
    second.shapes.title.text = "Oil"
    second.placeholders[1].text = OIL
    second.notes_slide.notes_text_frame.text = "Show them the brass mark."
    deck.slides.add_slide(deck.slide_layouts[6])  # blank
    fourth = deck.slides.add_slide(deck.slide_layouts[6])
    fourth.shapes.add_textbox(0, 0, 3_000_000, 900_000).text_frame.text = FOG
    deck.save(OUT / "training.pptx")


def odf() -> None:
    from odf import draw, table, text
    from odf.opendocument import (
        OpenDocumentPresentation,
        OpenDocumentSpreadsheet,
        OpenDocumentText,
    )
    from odf.style import MasterPage, PageLayout

    def titled(document, title):
        from odf import dc

        document.meta.addElement(dc.Title(text=title))
        return document

    letter = titled(OpenDocumentText(), TITLE)
    letter.text.addElement(text.H(outlinelevel=1, text="Duties of the keeper"))
    letter.text.addElement(text.P(text=INTRO))
    letter.text.addElement(text.H(outlinelevel=2, text="Fog"))
    letter.text.addElement(text.P(text=FOG))
    letter.save(str(OUT / "keeper.odt"))

    book = OpenDocumentSpreadsheet()
    for name, rows in (("Wages", ROWS), ("Tides", (("Harbour", "High water"), ("Stromness", "04:12")))):
        sheet = table.Table(name=name)
        for row in rows:
            line = table.TableRow()
            for value in row:
                cell = table.TableCell(valuetype="string")
                cell.addElement(text.P(text=str(value)))
                line.addElement(cell)
            sheet.addElement(line)
        book.spreadsheet.addElement(sheet)
    book.save(str(OUT / "stores.ods"))

    deck = OpenDocumentPresentation()
    layout = PageLayout(name="plain")
    deck.automaticstyles.addElement(layout)
    master = MasterPage(name="plain", pagelayoutname=layout)
    deck.masterstyles.addElement(master)
    for name, lines in (("one", (TITLE, INTRO)), ("two", (OIL,))):
        page = draw.Page(name=name, masterpagename=master)
        for line in lines:
            frame = draw.Frame(width="20cm", height="2cm", x="1cm", y="1cm")
            box = draw.TextBox()
            box.addElement(text.P(text=line))
            frame.addElement(box)
            page.addElement(frame)
        deck.presentation.addElement(page)
    deck.save(str(OUT / "training.odp"))


def rtf() -> None:
    lines = [
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Times New Roman;}}",
        r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}",
        r"{\info{\title " + TITLE + "}}",
        r"\pard\s1\outlinelevel0\b\fs32 Duties of the keeper\b0\fs24\par",
        r"\pard\s0 " + INTRO + r"\par",
        r"\pard Stra\'dfe und Caf\'e9: " + FOG + r"\par",
        "}",
    ]
    (OUT / "keeper.rtf").write_bytes("\r\n".join(lines).encode("ascii"))


def epub() -> None:
    chapter = (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
        "<head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
    )
    parts = {
        "META-INF/container.xml": '<?xml version="1.0"?><container version="1.0" '
        'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>'
        "</rootfiles></container>",
        "OEBPS/book.opf": '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" '
        'version="3.0" unique-identifier="id"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">lamp-1</dc:identifier>'
        f"<dc:title>{TITLE}</dc:title><dc:language>en-GB</dc:language></metadata><manifest>"
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        "OEBPS/a.xhtml": chapter.format("Oil", OIL),
        "OEBPS/b.xhtml": chapter.format("Fog", FOG),
    }
    with zipfile.ZipFile(OUT / "keeper.epub", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(zipfile.ZipInfo("mimetype"), "application/epub+zip")
        for name, body in parts.items():
            book.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)


def page_image():
    from PIL import Image, ImageDraw
    from reportlab.lib.utils import ImageReader

    picture = Image.new("L", (400, 560), 255)
    ImageDraw.Draw(picture).text((60, 80), "A scanned page of the log", fill=0)
    return ImageReader(picture)


def pdf(name: str, pages: list[str], title: str | None = None, hidden: str = "") -> Path:
    """Writes a PDF. A page is its paragraphs with a blank line between; a first
    line that begins with `# ` is set large; `scan` is a page of one image."""
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfgen.canvas import Canvas

    path = OUT / name
    canvas = Canvas(str(path), pagesize=A5, invariant=True, pageCompression=True)
    if title:
        canvas.setTitle(title)
    for number, page in enumerate(pages, 1):
        if page == "scan":
            canvas.drawImage(page_image(), 0, 0, *A5)
            if hidden:
                layer = canvas.beginText(40, 500)
                layer.setTextRenderMode(3)
                layer.setFont("Helvetica", 10)
                layer.textLine(hidden)
                canvas.drawText(layer)
        else:
            down = 540
            for paragraph in page.split("\n\n"):
                large = paragraph.startswith("# ")
                canvas.setFont("Helvetica-Bold" if large else "Helvetica", 20 if large else 10)
                for line in wrap(paragraph.removeprefix("# "), 64):
                    canvas.drawString(40, down, line)
                    down -= 26 if large else 13
                down -= 12
            canvas.setFont("Helvetica", 8)
            canvas.drawString(40, 24, "Handbook of the Northern Lights")
            canvas.drawRightString(380, 24, str(number))
        canvas.showPage()
    canvas.save()
    return path


def wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def pdfs() -> None:
    from pypdf import PdfReader, PdfWriter

    long = " ".join([INTRO, OIL, FOG] * 4)
    pages = [
        f"# Duties of the keeper\n\n{INTRO}\n\n{long}",
        f"# Oil\n\n{OIL} This page alone speaks of the copper funnel.\n\n{long}",
        f"# Fog\n\n{FOG} This page alone speaks of the bronze bell.\n\n{long}",
    ]
    handbook = pdf("handbook.pdf", pages, TITLE)
    pdf("partly-scanned.pdf", [pages[0], "scan", pages[2], "scan", "scan"], "untitled")
    pdf("scanned.pdf", ["scan", "scan"])
    pdf("scanned-with-text.pdf", ["scan", "scan"], hidden=FOG + " " + OIL)
    for name, user in (("encrypted.pdf", "dusk"), ("owner-password.pdf", "")):
        writer = PdfWriter(clone_from=PdfReader(handbook))
        writer.encrypt(user_password=user, owner_password="dawn", algorithm="AES-128")
        writer.write(OUT / name)


def notebook() -> None:
    import json

    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Tides of the Firth\n", "\n", "We read the gauge."]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "source": ["heights = [3.1, 2.7]\n", "print(max(heights))"],
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["3.1\n"]},
                {"output_type": "display_data", "metadata": {}, "data": {"image/png": "aGVsbG8=", "text/plain": ["<Figure size 640x480>"]}},
            ],
        },
        {"cell_type": "raw", "metadata": {}, "source": "Raw notes."},
    ]
    book = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (OUT / "tides.ipynb").write_text(json.dumps(book, indent=1) + "\n")


def legacy() -> None:
    office = shutil.which("soffice")
    if not office:
        print("no LibreOffice: keeper.doc and training.ppt are left as they are")
        return
    for source, kind in (("keeper.docx", "doc"), ("training.pptx", "ppt")):
        with tempfile.TemporaryDirectory() as home:
            subprocess.run(
                [office, f"-env:UserInstallation=file://{home}", "--headless", "--convert-to",
                 kind, "--outdir", str(OUT), str(OUT / source)],
                check=True, stdout=subprocess.DEVNULL,
            )
    # Mostly empty, but half a megabyte.
    deck = OUT / "training.ppt"
    (OUT / "training.ppt.gz").write_bytes(gzip.compress(deck.read_bytes(), mtime=0))
    deck.unlink()


def repack() -> None:
    """Writes the zip packages anew without the time they were made."""
    for path in sorted(OUT.iterdir()):
        if path.suffix not in {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"}:
            continue
        buffer = io.BytesIO()
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                if entry.filename.endswith((".jpeg", ".bin")):  # thumbnails, printer settings
                    continue
                kept = zipfile.ZipInfo(entry.filename)
                new.writestr(kept, old.read(entry), entry.compress_type)
        path.write_bytes(buffer.getvalue())


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for make in (docx, xlsx, xls, pptx, odf, rtf, epub, pdfs, notebook, legacy, repack):
        make()


if __name__ == "__main__":
    main()
