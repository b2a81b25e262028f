import pytest

from online.devices import device_of

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 {}Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "hint", "device"),
    [
        (PHONE, None, "phone"),
        (ANDROID.format("Mobile "), "?1", "phone"),
        (ANDROID.format("Mobile "), None, "phone"),
        (ANDROID.format(""), "?0", "tablet"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", None, "phone"),
        ("Mozilla/5.0 (Android 15; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0", None, "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", None, "tablet"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0", "?0", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5", None, "desktop"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/140.0.0.0", "?0", "desktop"),
        ("python-httpx/0.28.1", None, ""),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None, ""),
        ("\udcff mobile " + "x" * 5_000, "yes", "phone"),
        ("", None, ""),
    ],
)
def test_the_kind_of_device_is_read_out_of_what_browsers_send(agent, hint, device) -> None:
    headers = [(b"accept", b"*/*"), (b"user-agent", agent.encode("utf-8", "surrogateescape"))]
    headers += [(b"sec-ch-ua-mobile", hint.encode())] if hint else []
    assert device_of(headers) == device
