"""TLS of the server itself: the official client over https, clear errors, a renewed certificate on SIGHUP."""
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

import httpx2 as httpx  # what the openai client is made of
import openai

from fake_upstream import ANSWER, FakeUpstream
from gateway_process import ASSAY, GatewayProcess, chat, eventually


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """Signs certificates for 127.0.0.1, as a company's own authority would."""

    def __init__(self, folder):
        self.folder = folder
        self.ca, self._ca_key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=assay test authority", "-keyout", self._ca_key, "-out", self.ca)

    def sign(self, name, serial):
        """Writes NAME.pem and NAME.key."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extension = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=gateway",
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key, "-set_serial", serial,
                "-days", "1", "-extfile", extension, "-out", cert)
        return cert, key


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.authority = Authority(cls.folder)
        cls.cert, cls.key = cls.authority.sign("first", 1)

    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream())
        self.trust = ssl.create_default_context(cafile=self.authority.ca)

    def serve(self, cert=None, key=None, **env):
        return GatewayProcess(self.upstream.url, env={"ASSAY_TLS_CERT_FILE": str(cert or self.cert),
                                                      "ASSAY_TLS_KEY_FILE": str(key or self.key), **env})

    def serial(self, gateway):
        with socket.create_connection((gateway.host, gateway.port), timeout=20) as plain:
            with self.trust.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return int(connection.getpeercert()["serialNumber"], 16)

    def start_error(self, cert, key):
        done = subprocess.run([ASSAY, "serve", "--upstream", self.upstream.url, "--listen", "127.0.0.1:0"],
                              env={"ASSAY_TLS_CERT_FILE": str(cert), "ASSAY_TLS_KEY_FILE": str(key)},
                              capture_output=True, text=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_the_openai_client_speaks_https_with_that_authority(self):
        with self.serve() as gateway:
            self.assertTrue(gateway.url.startswith("https://127.0.0.1:"))
            with httpx.Client(verify=self.trust) as http:
                client = openai.OpenAI(base_url=gateway.url + "/v1", api_key="none", max_retries=0, http_client=http)
                for outcome in ("miss", "hit; tier=memory"):
                    reply = client.chat.completions.with_raw_response.create(**chat())
                    self.assertEqual(reply.parse().choices[0].message.content, ANSWER)
                    self.assertEqual(reply.headers["x-assay-cache"], outcome)
                pieces = client.chat.completions.create(**chat("streamed"), stream=True)
                text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
                self.assertEqual(text, ANSWER)
                big = "x" * 1_000_000  # many TLS records each way
                self.assertEqual(client.chat.completions.create(**chat(big)).choices[0].message.content, ANSWER)

    def test_a_client_that_does_not_know_the_authority_refuses(self):
        with self.serve() as gateway, self.assertRaises(httpx.ConnectError):
            httpx.get(gateway.url + "/health")

    def test_plain_http_on_the_tls_port_is_answered_in_words(self):
        with self.serve() as gateway:
            for _ in range(2):
                reply = gateway.post("/v1/chat/completions", chat())  # http.client, without TLS
                self.assertEqual((reply.status, reply.json["error"]["code"]), (400, "https_required"))
                self.assertIn("https://", reply.json["error"]["message"])
            with httpx.Client(verify=self.trust) as http:
                self.assertEqual(http.get(gateway.url + "/health").status_code, 200)
                self.assertIn('assay_refused_total{code="https_required"} 2', http.get(gateway.url + "/metrics").text)
        self.assertEqual(self.upstream.calls, 0)

    def test_bytes_that_are_neither_tls_nor_http_end_the_connection_only(self):
        with self.serve() as gateway:
            with gateway.connect() as client:
                client.sendall(b"\x00\xff" * 300)
                try:
                    while client.recv(4096):  # an alert of TLS at most
                        pass
                except ConnectionError:
                    pass
            self.assertEqual(self.serial(gateway), 1)

    def test_old_versions_of_tls_are_refused(self):
        with self.serve(ASSAY_TLS_MIN_VERSION="1.3") as gateway:
            self.trust.maximum_version = ssl.TLSVersion.TLSv1_2
            with self.assertRaises(ssl.SSLError):
                self.serial(gateway)

    def test_a_wrong_certificate_or_key_is_named_with_its_setting(self):
        other_cert, other_key = self.authority.sign("other", 7)
        nonsense, missing = self.folder / "nonsense.pem", self.folder / "missing.pem"
        nonsense.write_text("no certificate\n")
        for cert, key, words in (
                (missing, self.key, [f"tls.cert_file {missing}", "No such file"]),
                (nonsense, self.key, [f"tls.cert_file {nonsense}", "PEM"]),
                (self.cert, missing, [f"tls.key_file {missing}", "No such file"]),
                (self.cert, nonsense, [f"tls.key_file {nonsense}", "PEM"]),
                (self.cert, other_key, [f"tls.key_file {other_key}", f"tls.cert_file {self.cert}", "not the key"]),
                (self.cert, "", ["TLS needs the certificate and the key"])):
            error = self.start_error(cert, key)
            for word in words:
                self.assertIn(word, error)

    def test_a_renewed_certificate_is_taken_on_sighup_and_a_broken_one_is_not(self):
        cert, key = self.authority.sign("renewed", 2)
        with self.serve(cert, key) as gateway:
            self.assertEqual(self.serial(gateway), 2)
            kept = httpx.Client(verify=self.trust)
            self.addCleanup(kept.close)
            self.assertEqual(kept.get(gateway.url + "/health").status_code, 200)
            self.authority.sign("renewed", 3)
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: self.serial(gateway) == 3, "the new certificate is served")
            self.assertEqual(kept.get(gateway.url + "/health").status_code, 200)  # on its old connection
            cert.write_text("half of a certif")
            gateway.process.send_signal(signal.SIGHUP)
            lines = []
            while not lines or "stay as they were" not in lines[-1]:
                lines.append(gateway.process.stderr.readline())
                self.assertTrue(lines[-1], "the server ended")
            self.assertIn(f"tls.cert_file {cert}", lines[-1])
            self.assertEqual(self.serial(gateway), 3)


if __name__ == "__main__":
    unittest.main()
