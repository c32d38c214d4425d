"""What is shown in the place of a message whose bytes are damaged beyond any copy (STORE-4)."""

from typing import Final

PLACEHOLDER: Final = (
    b"From: Mail service <mailer-daemon@localhost>\r\n"
    b"Subject: This message can't be read\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"The message in this place was kept, but what lies on the disk is damaged\r\n"
    b"and there is no second copy of it. It was reported to the provider.\r\n"
    b"All other messages are as they were.\r\n"
)
