"""Whatever is sent by the published schema, or against it: no error of the service's own, and answers of the form."""

import contextlib
import os
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from litestar.testing import TestClient
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.transport import Response

FEW, MANY = 8, int(os.environ.get("SCHEMA_CASES", "25"))
"""Of each route and kind of case."""
DEMANDED = ("not_a_server_error", "content_type_conformance", "response_schema_conformance")


@pytest.mark.long_on("servers")
@pytest.mark.parametrize("cases", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.long)])
def test_no_request_brings_an_error_of_the_services_own_or_an_answer_of_another_form(
    client: TestClient, cases: int
) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/schema/openapi.json").json())
    checks = [CHECKS.get_one(name) for name in DEMANDED]
    tried: dict[str, int] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        def ask(case: schemathesis.Case) -> None:
            name = f"{case.operation.method.upper()} {case.operation.path}"
            sent = case.as_transport_kwargs(base_url=str(client.base_url))
            sent.pop("verify", None)
            if isinstance(sent.get("data"), bytes | str):
                sent["content"] = sent.pop("data")
            reply = client.request(**{key: value for key, value in sent.items() if key != "cookies"})
            tried[name] = tried.get(name, 0) + 1
            assert "Traceback" not in reply.text and str(Path.cwd()) not in reply.text
            case.validate_response(Response.from_httpx(reply, verify=True), checks=checks)

        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)
            limits = settings(
                max_examples=cases, deadline=None, suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.generate, Phase.shrink],
            )  # fmt: skip
            with contextlib.suppress(Unsatisfiable):  # a route without any parameter cannot be asked wrongly
                limits(given(strategy)(ask))()
    assert len(tried) >= 10 and sum(tried.values()) >= 10 * cases, tried
