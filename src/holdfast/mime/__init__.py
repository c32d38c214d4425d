"""Message bytes to structure with exact offsets: never fails, lists defects; see README.md."""

from holdfast.mime.bodystructure import bodystructure
from holdfast.mime.defects import DEFECTS, Defect
from holdfast.mime.envelope import envelope
from holdfast.mime.fields import Field
from holdfast.mime.inspection import inspect
from holdfast.mime.sections import Section, parse_section, section
from holdfast.mime.structure import Part, Root, parse
from holdfast.mime.subjects import base_subject
from holdfast.mime.summary import Summary, summary
from holdfast.mime.text import decode_bytes, decode_text, preview
from holdfast.mime.words import decode_header, parameter_text

__all__ = [
    "DEFECTS",
    "Defect",
    "Field",
    "Part",
    "Root",
    "Section",
    "Summary",
    "base_subject",
    "bodystructure",
    "decode_bytes",
    "decode_header",
    "decode_text",
    "envelope",
    "inspect",
    "parameter_text",
    "parse",
    "parse_section",
    "preview",
    "section",
    "summary",
]
