from __future__ import annotations

from typing import Any

from chalicelib.domain.client import Client


def test_labels_of_clients_are_listed_once_and_in_order(services: Any) -> None:
    vip = [Client(1, "79770000001", "vip"), Client(2, "79210000001", "vip")]
    services.labels.add_from([*vip, Client(3, "79770000002")])
    services.labels.add_from([Client(4, "79770000003", "акция")])
    assert services.labels.read("tag", 10) == ["vip", "акция"]
    assert services.labels.read("operator_code", 10) == ["921", "977"]
    assert services.labels.read("tag", 1) == ["vip"]


def test_names_of_attributes_are_labels_and_can_be_checked(services: Any) -> None:
    services.labels.add_from([Client(1, "79770000001", "vip", attributes={"имя": "Анна", "город": "Омск"})])
    assert services.labels.read("attribute", 10) == ["город", "имя"]
    assert services.labels.existing("attribute", ["имя", "нет", "vip"]) == {"имя"}
    assert services.labels.existing("attribute", []) == set()
