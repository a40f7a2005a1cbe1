"""Which model for which question: three rules to read, test and change.

They look at the text alone, cost nothing, and promise no more than they see: `contains_pii` finds what has a form
(addresses, numbers that check out), no names. The models are offline ones; the environment names others:

CHEAP=gpt-4.1-mini CAPABLE=gpt-4.1 LOCAL=ollama/llama3.2 python examples/recipes/cost_routing.py
"""

import os
import re

CHEAP = os.environ.get("CHEAP", "demo/cheap")
CAPABLE = os.environ.get("CAPABLE", "demo/capable")
LOCAL = os.environ.get("LOCAL", "demo/local")

WORDS_OF_A_SIMPLE_QUERY = 30
THINKING = re.compile(r"\b(why|compare|analy[sz]e|explain|prove|design|debug|refactor|plan|step by step)\b|```", re.I)

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
NUMBER = re.compile(r"(?<![\w.])[+(]?\d[\d ()/.-]{6,30}\d(?![\w-])")
SOCIAL_SECURITY = re.compile(r"\d{3}-\d{2}-\d{4}")
TELEPHONE = re.compile(r"(\+|\(?0\d)[\d ()/.-]+|\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}")


def select_best_model(query: str) -> str:
    """What is personal stays here; what is simple goes where it is cheap."""
    if contains_pii(query):
        return LOCAL
    return CHEAP if is_simple_query(query) else CAPABLE


def is_simple_query(text: str) -> bool:
    """Short, with one question at most, and no word that asks for thinking."""
    return len(text.split()) <= WORDS_OF_A_SIMPLE_QUERY and text.count("?") <= 1 and not THINKING.search(text)


def contains_pii(text: str) -> bool:
    """An e-mail address, a telephone number, a bank account, a payment card, a US social security number."""
    return (
        EMAIL.search(text) is not None
        or any(is_account(found) for found in IBAN.findall(text))
        or any(is_personal(found.strip()) for found in NUMBER.findall(text))
    )


def is_personal(number: str) -> bool:
    digits = [int(digit) for digit in re.sub(r"\D", "", number)]
    if SOCIAL_SECURITY.fullmatch(number) or (TELEPHONE.fullmatch(number) and 9 <= len(digits) <= 15):
        return True
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]  # Luhn's check digit, ISO/IEC 7812-1
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_account(iban: str) -> bool:
    bare = iban.replace(" ", "")
    return int("".join(str(int(character, 36)) for character in bare[4:] + bare[:4])) % 97 == 1  # ISO 13616
