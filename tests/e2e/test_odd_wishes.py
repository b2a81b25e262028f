"""What shoppers write who do not write like shoppers: nothing that means anything, what is not sold, what they own."""

import pytest

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

GOES_WITH_A_DESK = {"Task lamps", "Office chairs", "Desk organisers", "Bookcases"}
OWNED = ["I already have a desk; what goes with it?", "ich habe schon einen Schreibtisch, was passt dazu?"]
NOT_SOLD = [("socks", "sock"), ("socken", "socke"), ("chaussettes", "chaussette")]


def ask(client, prompt: str) -> dict:
    reply = client.post("/v1/bundles", json={"prompt": prompt})
    assert reply.status_code == 200, reply.text
    return reply.json()


def kinds(answer: dict, rows: dict[str, dict]) -> list[set[str]]:
    return [
        {rows[item["product_id"]]["product_type"].rpartition(" > ")[2] for item in bundle["items"]}
        for bundle in answer["bundles"]
    ]


@pytest.mark.parametrize("prompt", OWNED)
def test_what_is_owned_is_completed_and_not_offered(client, shop_rows, prompt: str) -> None:
    found = kinds(ask(client, prompt), shop_rows)
    assert found
    assert all("Desks" not in bundle for bundle in found)
    assert found[0] & GOES_WITH_A_DESK


@pytest.mark.parametrize("prompt", ["asdf qwer", "qwertzu uiopü", "....!!"])
def test_a_sentence_that_means_nothing_is_answered_by_what_is_bought_most_and_says_so(client, prompt: str) -> None:
    answer = ask(client, prompt)
    assert answer["served_by"] == "popular"
    assert answer["degraded"] == [{"dependency": "prompt", "reason": "not understood"}]
    assert answer["bundles"]
    assert all(any("bought most" in reason for reason in bundle["reasons"]) for bundle in answer["bundles"])
    products = client.post("/v1/products", json={"prompt": prompt, "k": 5}).json()
    assert (products["served_by"], len(products["products"])) == ("popular", 5)


@pytest.mark.parametrize("prompt", ["something nice", "surprise me", "I hate leather", "under $200"])
def test_who_says_only_how_much_or_what_not_is_offered_what_is_bought_most(client, prompt: str) -> None:
    answer = ask(client, prompt)
    assert (answer["served_by"], answer["infeasible"]) == ("full", None)
    assert answer["bundles"]


@pytest.mark.parametrize(("prompt", "name"), NOT_SOLD)
def test_a_kind_that_is_not_sold_is_not_filled_from_afar(client, prompt: str, name: str) -> None:
    answer = ask(client, prompt)
    assert (answer["bundles"], answer["infeasible"]["reason"]) == ([], "nothing_found")
    assert answer["infeasible"]["blocking"] == [name]


def test_beside_what_is_sold_a_kind_that_is_not_stays_open_and_the_bundle_says_so(client) -> None:
    for bundle in ask(client, "a sofa and socks")["bundles"]:
        assert bundle["open_slots"] == ["sock"]
        assert "found no sock" in bundle["reasons"]


def test_an_occasion_is_answered_although_the_kind_that_it_names_is_not_sold(client) -> None:
    answer = ask(client, "soirée pâtes")
    assert answer["bundles"]
    assert all(bundle["open_slots"] == ["pâtes"] for bundle in answer["bundles"])


def test_a_colour_that_nothing_has_is_said_to_have_given_way(client) -> None:
    answer = ask(client, "everything red")
    assert answer["bundles"]
    assert answer["understood"]["relaxed"] == ["red"]
