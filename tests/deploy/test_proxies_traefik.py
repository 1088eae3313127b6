"""Traefik's files, which nothing here can start: read, and held against what the others say."""

import re

import pytest
import yaml
from tests.support.proxies import DEPLOY, SHIPPED

STATIC = yaml.safe_load((DEPLOY / "traefik" / "traefik.yaml").read_text())
DYNAMIC = yaml.safe_load((DEPLOY / "traefik" / "dynamic" / "gateway.yaml").read_text())
FILES = yaml.safe_load((DEPLOY / "traefik" / "certificates.yaml").read_text())
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "production.yaml").read_text())
BALANCER = DYNAMIC["http"]["services"]["gateways"]["loadBalancer"]
ROUTER = DYNAMIC["http"]["routers"]["gateway"]
OTHERS = [DEPLOY / "nginx" / "gateway.conf", DEPLOY / "haproxy" / "haproxy.cfg"]


def test_one_router_lets_one_path_through():
    (path,) = re.findall(r"Path\(`(.*?)`\)", ROUTER["rule"])

    assert list(DYNAMIC["http"]["routers"]) == ["gateway"]
    assert ROUTER["rule"] == f'Host(`{{{{ env "GATEWAY_HOST" }}}}`) && Path(`{path}`)'
    for file in OTHERS:
        assert re.search(rf"(location = {path} |path {path} )", file.read_text()), file


def test_what_the_files_name_is_there():
    resolver = COMPOSE["services"]["traefik"]["environment"]["TLS_RESOLVER"]

    assert list(STATIC["entryPoints"]) == ROUTER["entryPoints"]
    assert ROUTER["service"] in DYNAMIC["http"]["services"]
    assert set(ROUTER["middlewares"]) == set(DYNAMIC["http"]["middlewares"])
    assert BALANCER["serversTransport"] in DYNAMIC["http"]["serversTransports"]
    assert ROUTER["tls"] == {"certResolver": '{{ env "TLS_RESOLVER" }}'}
    assert resolver in STATIC["certificatesResolvers"]


def test_it_gives_clients_to_the_two_gateways_of_compose():
    gateways = [name for name in COMPOSE["services"] if name.startswith("gateway-")]
    (port,) = {host.rpartition(":")[2] for host in SHIPPED}

    assert BALANCER["servers"] == [{"url": f"http://{name}:{port}"} for name in gateways]


def test_it_asks_what_haproxy_asks():
    asked = re.search(r"option httpchk GET (\S+)", OTHERS[1].read_text())[1]
    every = re.search(r"check inter (\d+s)", OTHERS[1].read_text())[1]

    assert BALANCER["healthCheck"] == {"path": asked, "interval": every, "timeout": "1s"}


def test_it_speaks_tls_alone_and_none_that_is_old():
    assert [entry["address"] for entry in STATIC["entryPoints"].values()] == [":443"]
    assert DYNAMIC["tls"]["options"]["default"] == {"minVersion": "VersionTLS12"}
    for file in OTHERS:
        assert "TLSv1.2" in file.read_text()


def test_no_certificate_is_another_than_nginx_takes():
    (pair,) = FILES["tls"]["certificates"]

    assert f"ssl_certificate {pair['certFile']};" in OTHERS[0].read_text()
    assert f"ssl_certificate_key {pair['keyFile']};" in OTHERS[0].read_text()


@pytest.mark.parametrize("section", ["accessLog", "api", "metrics", "tracing"])
def test_it_writes_no_token_and_has_no_page(section):
    assert section not in STATIC


def test_nobody_outside_says_where_a_client_comes_from():
    (entry,) = STATIC["entryPoints"].values()

    assert entry["forwardedHeaders"] == {"trustedIPs": []}


def test_compose_mounts_the_files_where_traefik_looks():
    mounted = dict(one.split(":")[:2] for one in COMPOSE["services"]["traefik"]["volumes"])
    folder = STATIC["providers"]["file"]["directory"]

    assert mounted["../traefik/traefik.yaml"] == "/etc/traefik/traefik.yaml"
    assert mounted["../traefik/dynamic/gateway.yaml"] == f"{folder}/gateway.yaml"
    assert STATIC["certificatesResolvers"]["letsencrypt"]["acme"]["storage"].startswith(
        mounted["acme"] + "/"
    )
