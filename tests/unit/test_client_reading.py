from setwise_client.problems import problem_of
from setwise_client.stream import Progress, ProgressReader


def test_comments_and_what_was_cut_off_are_no_steps() -> None:
    lines = [
        ": events of a request",
        "retry: 1000",
        "",
        "id: 1",
        "event: understood",
        'data: {"slots":',
        "data: []}",
        "",
    ]
    lines += [": still here", "", "id: 2", "event: done", 'data: {"a": 1}']
    reader = ProgressReader()
    assert [step for line in lines if (step := reader.read(line))] == [Progress("understood", "1", {"slots": []})]


def test_a_problem_is_read_with_its_time_and_a_page_of_a_proxy_is_one_too() -> None:
    said = problem_of(429, b'{"title": "Too Many", "status": 429, "detail": "come again", "type": "about:blank"}', "7")
    assert (said.status, said.title, said.detail, said.retry_after_s) == (429, "Too Many", "come again", 7)
    assert str(said) == "429 Too Many: come again"
    page = problem_of(502, b"<html>bad gateway</html>", "Wed, 21 Oct 2026 07:28:00 GMT")
    assert (page.status, page.detail, page.retry_after_s) == (502, "<html>bad gateway</html>", None)
