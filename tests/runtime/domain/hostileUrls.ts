/**
 * Webhook URLs that point inwards, or try to look as if they didn't. Written once for everything that guards URLs. Those in
 * `byName` have a decent name whose addresses (given beside it) are not.
 */
export const hostileUrls: readonly string[] = [
  // schemes
  ...["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "ws://example.com/"],
  ...[
    "wss://example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "dict://example.com:11211/",
    "ldap://example.com/",
  ],
  ...["unix:/var/run/docker.sock", "//example.com/", "example.com", "", " ", "https://", "https:///", "https://:443/"],
  // userinfo
  ...["https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/", "https://:@example.com/"],
  ...["https://example.com@169.254.169.254/", "https://example.com%40evil@10.0.0.1/", "https:\\\\user@example.com\\"],
  // what no URL holds
  ...[
    "https:\\\\example.com",
    "https://example.com\\@evil.com/",
    "https://exa\tmple.com/",
    "https://example.com/\n",
    " https://example.com/",
  ],
  ...[
    "https://example.com/\0",
    "https://example.com/a b",
    "https://example.com/\u00a0",
    "https://example.com/\ud800",
    "https://example.com/\u2028",
  ],
  // names that nobody can have
  ...["https://hooks.test/", "https://a.example/", "https://a.invalid./", "https://example/"],
  // ports
  ...["https://example.com:22/", "https://example.com:25/", "https://example.com:80/", "https://example.com:1/"],
  ...[
    "https://example.com:6379/",
    "https://example.com:9001/",
    "https://example.com:11211/",
    "https://example.com:5432/",
  ],
  // what runs machines and configures servers
  ...["https://example.com:2019/", "https://example.com:4646/", "https://example.com:6443/"],
  ...["https://example.com:8500/", "https://example.com:10250/"],
  ...["https://example.com:2375/", "https://example.com:0/", "https://example.com:65536/", "https://example.com:-1/"],
  ...["https://127.0.0.1:9001/2018-06-01/runtime/invocation/next"],
  // loopback, in every spelling
  ...["https://127.0.0.1/", "https://127.0.0.2/", "https://127.255.255.254/", "https://127.1/", "https://127.0.1/"],
  ...[
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
  ],
  ...[
    "https://0x7f.1/",
    "https://127.0.0.1./",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://127.0.0.1%00.example.com/",
  ],
  ...[
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://localhost.localdomain/",
  ],
  ...["https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/"],
  ...["https://[::127.0.0.1]/", "https://[0:0:0:0:0:ffff:127.0.0.1]/", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://[::1%25eth0]/"],
  // unspecified and broadcast
  ...[
    "https://0.0.0.0/",
    "https://0/",
    "https://0.1.2.3/",
    "https://[::]/",
    "https://[::ffff:0.0.0.0]/",
    "https://255.255.255.255/",
  ],
  // private networks
  ...[
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
  ],
  ...[
    "https://192.168.1.254/",
    "https://167772161/",
    "https://0xa000001/",
    "https://012.0.0.1/",
    "https://3232235777/",
  ],
  ...[
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:192.168.0.1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
  ],
  // link-local and metadata services
  ...["https://169.254.169.254/latest/meta-data/", "https://169.254.170.2/v2/credentials", "https://169.254.169.123/"],
  ...[
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://[::ffff:169.254.169.254]/",
  ],
  ...["https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://[fec0::1]/", "https://metadata.google.internal/"],
  ...["https://100.100.100.200/", "https://168.63.129.16/", "https://192.0.0.192/", "https://metadata/"],
  // carrier-grade NAT, multicast, reserved, documentation, benchmarking
  ...[
    "https://100.64.0.1/",
    "https://100.127.255.254/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
  ],
  ...[
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://192.88.99.1/",
  ],
  ...[
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[100::1]/",
    "https://[3fff::1]/",
    "https://[2001:2::1]/",
  ],
  // addresses inside addresses: NAT64, 6to4, Teredo, ISATAP-like, v4-translated
  ...[
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
  ],
  ...[
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[5f00::1]/",
  ],
  // names that never leave a network
  ...[
    "https://intranet/",
    "https://db.internal/",
    "https://printer.local/",
    "https://router.lan/",
    "https://nas.home.arpa/",
  ],
  ...[
    "https://vault.corp/",
    "https://a.onion/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://kubernetes.default.svc.cluster.local/",
  ],
  // what is no host at all
  ...["https://exa mple.com/", "https://[::1/", "https://example.com:abc/", "https://%zz/", "https://..../"],
];

/** Names as a customer may well have them, with what they resolve to. */
export const byName: readonly [url: string, addresses: readonly string[]][] = [
  ["https://rebind.example.com/", ["127.0.0.1"]],
  ["https://127.0.0.1.nip.io/", ["127.0.0.1"]],
  ["https://mixed.example.com/", ["93.184.215.14", "10.0.0.1"]],
  ["https://meta.example.com/", ["169.254.169.254"]],
  ["https://six.example.com/", ["::1"]],
  ["https://mapped.example.com/", ["::ffff:169.254.169.254"]],
  ["https://nat64.example.com/", ["64:ff9b::a9fe:a9fe"]],
  ["https://sixtofour.example.com/", ["2002:a00:1::1"]],
  ["https://ula.example.com/", ["fd00:ec2::254"]],
  ["https://linklocal.example.com/", ["fe80::1"]],
  ["https://cgnat.example.com/", ["100.64.1.1"]],
  ["https://azure.example.com/", ["168.63.129.16"]],
  ["https://zero.example.com/", ["0.0.0.0"]],
  ["https://multicast.example.com/", ["ff02::1"]],
  ["https://empty.example.com/", []],
];
