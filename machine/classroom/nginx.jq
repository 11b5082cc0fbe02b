# class.json -> nginx's configuration: each node's port passes websockets to its node; whatever else comes gets one line. --arg folder:
# of the certificate; --arg name: of the machine where the certificate authority asks for it, else empty.
def port: 6001 + .;
"# Made by Kindling.",
(if $name == "" then empty else
  "server {", "    listen 80;", "    server_name \($name);", "    access_log off;",
  "    location /.well-known/acme-challenge/ { root /var/www/kindling; }", "    location / { return 404; }", "}" end),
(if $folder == "" then empty else
  "map $server_port $kindling_node {", (range(.nodes | length) | "    \(port) 10.61.0.\(10 + .);"), "}",
  "server {",
  (range(.nodes | length) | "    listen \(port) ssl;"),
  "    ssl_certificate \($folder)/fullchain.pem;", "    ssl_certificate_key \($folder)/privkey.pem;",
  "    access_log off;",
  "    location / {",
  # This is how a browser is made to accept a certificate that no authority has signed.
  "        default_type text/plain;",
  "        if ($http_upgrade !~* ^websocket$) { return 200 \"This is a Lightning node of a class, and your browser trusts its certificate. Go back to your card and connect.\\n\"; }",
  "        proxy_pass http://$kindling_node:9736;", "        proxy_http_version 1.1;",
  # Core Lightning looks for these names and words to the letter (connectd/websocketd.c), and not every client writes them so.
  "        proxy_set_header Upgrade websocket;", "        proxy_set_header Connection Upgrade;",
  "        proxy_set_header Sec-WebSocket-Key $http_sec_websocket_key;", "        proxy_set_header Sec-WebSocket-Version 13;",
  "        proxy_read_timeout 1d;", "        proxy_send_timeout 1d;",
  "    }", "}" end)
