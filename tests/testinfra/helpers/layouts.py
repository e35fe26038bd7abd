"""Other layouts of nginx.conf: of Debian, of nginx.org, and without any include."""

HEAD = """user www-data;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log notice;

events {
    worker_connections 1024;
}
"""

# The package of nginx.org includes conf.d alone, and brings the default server there.
NGINX_ORG = f"""{HEAD}
http {{
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';
    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}}
"""
NGINX_ORG_DEFAULT = """server {
    listen       80;
    server_name  localhost;
    location / {
        return 200 "Welcome to nginx!";
    }
}
"""

NO_INCLUDE = f"""{HEAD}
http {{
    server {{
        listen 80;
        server_name theirs.example.test;
        return 200 "theirs";
    }}
}}
"""


def debian(driver):
    """The nginx.conf of the host's own package, which Gatehouse has kept."""
    return driver.shell("cat /etc/nginx/gatehouse/nginx.conf.original") + "\n"
