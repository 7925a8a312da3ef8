"""Mails made by Python's email package, with the words that a reader sees: python3 mail_peer.py COUNT SEED.

One JSON list on standard output: objects with the mail in base64 and its words in order.
"""

import base64
import email
import email.header
import email.message
import email.policy
import json
import random
import sys

PLAIN = "abcdefghijklmnopqrstuvwxyz"
LETTERS = {
    "us-ascii": PLAIN,
    "utf-8": PLAIN + "äöüéèñßλжあ",
    "iso-8859-1": PLAIN + "äöüéèñß",
    "iso-8859-15": PLAIN + "äöüéèñßœž",
    "windows-1252": PLAIN + "äöüéèñßœž",
    "utf-16": PLAIN + "äöλжあ",
}
REFERENCES = {"ä": "&auml;", "é": "&eacute;", "ß": "&#223;", "ж": "&#x436;", "λ": "&#955;"}


def words(charset, least=1, most=60):
    letters = LETTERS[charset]
    return ["".join(random.choice(letters) for _ in range(random.randint(1, 14)))
            for _ in range(random.randint(least, most))]


def html(list_of_words):
    pieces = ["<!DOCTYPE html>\n<html><head><style>p { color: red }</style>",
              "<script type='text/javascript'>if (a < b) { hidden(); }</script></head><BODY bgcolor=\"#fff\">"]
    for word in list_of_words:
        shown = "".join(REFERENCES.get(c, c) if random.random() < 0.5 else c for c in word)
        if len(word) > 1 and "&" not in shown:
            cut = random.randint(1, len(word) - 1)
            shown = random.choice([shown, shown[:cut] + "<b>" + shown[cut:] + "</b>",
                                   shown[:cut] + "<!-- x > y -->" + shown[cut:],
                                   "<a href=\"http://hidden.example/?a=1&b=2\">" + shown + "</a>"])
        pieces.append(shown + random.choice([" ", "<br>", "&nbsp;", "</p><p class='x'>", "<td>\n"]))
    return "".join(pieces) + "</BODY></html>\n"


def fill(message, depth):
    """Gives a message content; returns the words seen in it."""
    kind = random.choice(["plain", "html", "alternative", "mixed", "nested"] if depth < 2 else ["plain", "html"])
    charset = random.choice(list(LETTERS))
    if charset == "utf-16" and message.policy.linesep == "\r\n":
        charset = "utf-8"  # set_content would put two bytes for the end of a line into it
    encodings = ["base64", "quoted-printable"]
    if charset == "us-ascii":
        encodings.append("7bit")
    elif charset != "utf-16":
        encodings.append("8bit")
    if charset == "utf-16":
        encodings = ["base64"]
    transfer = random.choice(encodings)
    own = words(charset)
    lines = [" ".join(own[i:i + 9]) for i in range(0, len(own), 9)]
    text = "\n".join(lines) + "\n"
    page = html(own)
    if charset == "utf-16":
        # set_content puts ends of lines of one byte into it; the last one is half a letter and falls off.
        text, page = text.replace("\n", " "), page.replace("\n", " ")
    if kind == "html":
        message.set_content(page, subtype="html", charset=charset, cte=transfer)
        return own
    message.set_content(text, charset=charset, cte=transfer)
    if kind == "alternative":
        second = words("utf-8")
        message.add_alternative(html(second), subtype="html", charset="utf-8")
        return own + second
    if kind == "mixed":
        message.add_attachment(random.randbytes(random.randint(0, 3000)), maintype="image", subtype="png",
                               filename="bild ä.png")
        third = words("iso-8859-1")
        message.add_attachment(" ".join(third), charset="iso-8859-1", filename="a;b.txt")
        return own + third
    if kind == "nested":
        inner, seen = make(depth + 1)
        message.add_attachment(inner)
        return own + seen
    return own


def make(depth=0):
    message = email.message.EmailMessage(policy=email.policy.SMTP if random.random() < 0.5 else email.policy.default)
    charset = random.choice(["us-ascii", "utf-8", "iso-8859-1"])
    subject = words(charset, 1, 12)
    message["From"] = "Jürgen Müller <a@example.com>"
    message["To"] = "b@example.com"
    message["Subject"] = " ".join(subject)
    # Some versions lose a space when they fold encoded words; their reader says what is there.
    subject = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)["Subject"].split()
    message["X-Note"] = "hidden: " + "hidden " * 30
    return message, ["Subject:"] + subject + fill(message, depth)


def old(message):
    """The same with a subject encoded by the older interface."""
    subject = words("iso-8859-1", 1, 12)
    field = email.header.Header(" ".join(subject), "iso-8859-1", header_name="Subject").encode()
    before, _, behind = message.as_bytes().partition(b"Subject:")
    # The new interface folds its subject; what is folded goes with it.
    rest = behind.split(b"\n")
    end = next(i for i in range(1, len(rest)) if not rest[i].startswith((b" ", b"\t")))
    return before + b"Subject: " + field.encode("ascii") + b"\n" + b"\n".join(rest[end:]), subject


if __name__ == "__main__":
    count = int(sys.argv[1])
    random.seed(int(sys.argv[2]))
    result = []
    for number in range(count):
        message, seen = make()
        content = message.as_bytes()
        if number % 4 == 0:
            content, subject = old(message)
            read = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
            seen = ["Subject:"] + subject + seen[1 + len(read["Subject"].split()):]
        if number % 5 == 0:
            content = b"From a@example.com Sat Nov 28 12:00:00 2026\n" + content
        result.append({"mail": base64.b64encode(content).decode(), "words": seen})
    json.dump(result, sys.stdout)
