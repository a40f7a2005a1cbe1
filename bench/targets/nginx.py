"""nginx as a plain reverse proxy: no auth, no parsing, an access log. The practical limit of what a proxy can cost."""

from __future__ import annotations

import os
import shutil

from bench.scenarios import Scenario
from bench.targets.target import Launch, Site

CONFIG = """
daemon off;
worker_processes {workers};
error_log stderr warn;
pid {directory}/nginx.pid;
{user}
events {{ worker_connections 8192; }}
http {{
  access_log {directory}/access.log combined buffer=64k flush=1s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_body_buffer_size 64k;
  keepalive_requests 100000000;
  tcp_nodelay on;
  upstream mock {{
    server 127.0.0.1:{upstream_port};
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=2048{reuseport};
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


class Nginx:
    name = "nginx"
    about = "plain reverse proxy: keep-alive upstream, access log, no buffering; no auth, no usage"
    slowness = 1
    accounts = False

    def missing(self) -> str | None:
        return None if shutil.which("nginx") else "nginx is not installed (Debian: apt-get install nginx-light)"

    def prepare(self) -> None:
        """Nothing: it comes from the system."""

    def can(self, scenario: Scenario) -> bool:
        return not scenario.translates and scenario.kind != "import"

    def launch(self, site: Site) -> Launch:
        config = site.directory / "nginx.conf"
        values = {"workers": site.workers, "directory": site.directory, "port": site.port}
        reuseport = " reuseport" if site.workers > 1 else ""
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(CONFIG.format(**values, upstream_port=site.upstream_port, reuseport=reuseport, user=user))
        argv = ["nginx", "-p", str(site.directory), "-c", str(config), "-e", str(site.directory / "error.log")]
        return Launch(argv=argv, headers={})
