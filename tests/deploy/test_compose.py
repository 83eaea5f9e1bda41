"""compose.yaml, and nginx.conf beside it: valid, closed, and with numbers that fit the server's."""

import re

import pytest
from compose_spec import PyOptions, parse_duration

from deploy.shipped import DEPLOY, LONGEST_END, MOST_FILES, ROOT, assert_options_exist
from mserve.server.config import Settings

TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE = PyOptions(apply_merge=True).from_yaml(TEXT)
SERVICES = COMPOSE.to_dict()["services"]
NGINX = (DEPLOY / "nginx.conf").read_text()
CADDY = (DEPLOY / "Caddyfile").read_text()
SETTINGS = Settings()


def number(text: str, pattern: str) -> int:
    (found,) = re.findall(rf"^\s*{pattern}\b", text, re.MULTILINE)
    return int(found)


def test_the_file_keeps_to_the_specification() -> None:
    COMPOSE.validate()
    with pytest.raises(ValueError, match="extension key `stop_grace"):
        PyOptions(apply_merge=True).from_yaml(TEXT.replace("stop_grace_period", "stop_grace"))


@pytest.mark.parametrize("name", ["mserve", "nginx"])
def test_each_service_is_held_within_bounds(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert parse_duration(service["stop_grace_period"]) > LONGEST_END
    assert service["ulimits"]["nofile"] >= (MOST_FILES if name == "mserve" else 0)


def test_nobody_reaches_the_server_but_through_nginx_and_with_a_key() -> None:
    server, front = SERVICES["mserve"], SERVICES["nginx"]
    assert "ports" not in server
    assert front["ports"] == ["127.0.0.1:8080:8080"]
    assert front["depends_on"] == {"mserve": {"condition": "service_healthy"}}
    assert set(server["networks"]) & set(front["networks"]) == {"inner"}
    assert_options_exist([], server["environment"])
    (secret,) = server["secrets"]
    assert server["environment"]["MSERVE_API_KEY_FILE"] == f"/run/secrets/{secret}"
    assert "/deploy/keys" in (ROOT / ".gitignore").read_text().splitlines()


def test_what_the_file_names_is_there() -> None:
    build = SERVICES["mserve"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    assert SERVICES["nginx"]["volumes"] == ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    assert number(NGINX, r"listen (\d+);".removesuffix(";")) == 8080
    assert "server mserve:8000 resolve;" in NGINX


def test_what_is_kept_outlives_its_container() -> None:
    (volume,) = SERVICES["mserve"]["volumes"]
    name, _, folder = volume.partition(":")
    assert name in COMPOSE.to_dict()["volumes"]
    image = (DEPLOY / "Dockerfile").read_text()
    assert f"MSERVE_STORE=sqlite:///{folder}/runs.db" in image
    assert re.search(rf"--owner=10001 --group=10001 --mode=700 {folder}$", image, re.MULTILINE)


def test_the_limits_of_proxies_are_the_servers() -> None:
    assert number(NGINX, r"client_max_body_size (\d+)") == number(CADDY, r"max_size (\d+)") == SETTINGS.max_body
    assert NGINX.count(str(SETTINGS.max_body)) == CADDY.count(str(SETTINGS.max_body)) == 2  # an error says it, too
    assert number(NGINX, r"large_client_header_buffers 4 (\d+)k") * 4096 == SETTINGS.max_header_size
    assert number(NGINX, r"proxy_read_timeout (\d+)s") > SETTINGS.run_timeout
    assert number(NGINX, r"keepalive_timeout (\d+)s") < SETTINGS.timeout_keep_alive
    assert number(CADDY, r"keepalive (\d+)s") < SETTINGS.timeout_keep_alive
