"""A cheap upper-ish estimate of tokens, for holds, windows and calls whose usage never arrived.

Measured against two of OpenAI's tokenizers (o200k, cl100k), estimate / tokens: English prose and Markdown 1.2 to 1.4,
code 1.3, JSON notes 1.1, block listings 1.4, tables of numbers 1.05, German and French 1.1 to 1.7, Chinese and Japanese
1.1 to 1.7, Russian 1.6 to 2.7, Arabic and Hindi 1.0 to 3.1, runs of emoji 0.9 to 1.1. It is never an invoice: settling
uses what the provider reports.
"""

import math

from core.providers.base import Request

_LETTERS_A_TOKEN = 3.5
_TOKENS_A_DIGIT = 0.7
_TOKENS_A_SIGN = 0.5
_TOKENS_A_FURTHER_BYTE = 0.45  # bytes of UTF-8 beyond one a character: the further from Latin, the more tokens
_DIGITS = b"0123456789"
_SIGNS = b"{}[]()<>\"',;:.|#*_=/\\+-\n"
_FRAME_TOKENS = 8  # what a provider adds around a message


def estimate_tokens(text: str) -> int:
    """Return about how many tokens *text* is, rather too many than too few."""
    characters = len(text)
    data = text.encode("utf-8", "surrogatepass")  # all digits in one pass over bytes, not ten passes
    further_bytes = len(data) - characters
    digits = len(data) - len(data.translate(None, _DIGITS))
    signs = len(data) - len(data.translate(None, _SIGNS))
    return math.ceil(
        (characters - digits - signs) / _LETTERS_A_TOKEN
        + digits * _TOKENS_A_DIGIT
        + signs * _TOKENS_A_SIGN
        + further_bytes * _TOKENS_A_FURTHER_BYTE
    )


def estimate_request_tokens(request: Request) -> int:
    """Return about how many input tokens *request* is, its schema included."""
    schema = estimate_tokens(str(request.json_schema)) if request.json_schema else 0
    segments = sum(estimate_tokens(segment.text) for segment in request.segments)
    return estimate_tokens(request.system) + segments + schema + _FRAME_TOKENS
