// Calls over TLS, against a server with a certificate that the test makes.
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/core/file_system.h"

#include "temp_dir.h"
#include "upstream/http/http_provider.h"
#include "upstream/upstream_test_support.h"

namespace assay::gateway {
namespace {

constexpr std::string_view kBody = R"({"object":"chat.completion"})";

// A key and a certificate that signs itself, for one name ("DNS:..." or "IP:...").
struct Identity {
  explicit Identity(const std::string& name) : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    const auto* common = reinterpret_cast<const unsigned char*>("assay test");
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  [[nodiscard]] std::string Pem() const {
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate);
    std::string pem(4096, '\0');
    pem.resize(
        static_cast<std::size_t>(BIO_read(memory, pem.data(), static_cast<int>(pem.size()))));
    BIO_free(memory);
    return pem;
  }

  EVP_PKEY* key;
  X509* certificate;
};

// Answers every request with kBody; to a body that holds "stream", as an event stream. One
// connection at a time.
class TlsServer {
 public:
  explicit TlsServer(const Identity& identity) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_, identity.certificate);
    SSL_CTX_use_PrivateKey(context_, identity.key);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ::bind(listener_, generic, size);
    ::listen(listener_, 16);
    ::getsockname(listener_, generic, &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }

  int port = 0;
  std::atomic<int> handshakes{0};  // good ones; written by the server's thread

 private:
  void Run() {
    while (true) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      SSL* tls = SSL_new(context_);
      SSL_set_fd(tls, socket);
      if (SSL_accept(tls) == 1) {
        ++handshakes;
        Serve(tls);
      }
      SSL_free(tls);
      ::close(socket);
    }
  }

  static void Serve(SSL* tls) {
    std::string request;
    char buffer[4096];
    while (true) {
      const int count = SSL_read(tls, buffer, sizeof(buffer));
      if (count <= 0) return;
      request.append(buffer, static_cast<std::size_t>(count));
      if (!request.ends_with("}")) continue;  // all bodies of these tests end so
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                           std::to_string(kBody.size()) + "\r\n\r\n" + std::string(kBody);
      if (request.find("\"stream\"") != std::string::npos) {
        answer =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
            "chunked\r\n\r\n"
            "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n";
      }
      request.clear();
      SSL_write(tls, answer.data(), static_cast<int>(answer.size()));
    }
  }

  SSL_CTX* context_;
  int listener_ = -1;
  std::thread thread_;
};

class TlsTest : public ::testing::Test {
 protected:
  HttpProviderOptions Options(const TlsServer& server) {
    HttpProviderOptions options;
    options.url = "https://127.0.0.1:" + std::to_string(server.port) + "/v1";
    return options;
  }
  std::string CaFile(const Identity& identity) {
    const std::string path = folder_.path() + "/ca.pem";
    EXPECT_TRUE(core::WriteFileAtomically(core::FileSystem::Real(), path, identity.Pem()));
    return path;
  }
  Result<UpstreamReply> Ask(Provider& provider, std::string_view body = "{}",
                            ChunkSink* sink = nullptr) {
    UpstreamRequest request;
    request.body = body;
    return RunCall(*context_, provider.Send(request, "", sink));
  }
  // Once, on an io_context of its own: its connections are closed before the server stops.
  Result<UpstreamReply> AskOnce(HttpProviderOptions options) {
    const auto provider = MakeHttpProvider(std::move(options));
    EXPECT_TRUE(provider) << provider.error().message;
    auto reply = Ask(**provider);
    context_ = std::make_unique<asio::io_context>(1);
    return reply;
  }

  testing::TempDir folder_;
  std::unique_ptr<asio::io_context> context_ = std::make_unique<asio::io_context>(1);
};

TEST_F(TlsTest, ATrustedServerIsAskedAndItsConnectionKept) {
  const Identity identity("IP:127.0.0.1");
  TlsServer server(identity);
  HttpProviderOptions options = Options(server);
  options.ca_file = CaFile(identity);
  const auto provider = MakeHttpProvider(std::move(options));
  ASSERT_TRUE(provider) << provider.error().message;
  for (int i = 0; i < 3; ++i) {
    const auto reply = Ask(**provider);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, kBody);
  }
  CollectingSink sink;
  const auto streamed = Ask(**provider, R"({"stream":true})", &sink);
  ASSERT_TRUE(streamed) << streamed.error().message;
  EXPECT_EQ(sink.text, "data: 1\n\ndata: 2\n\n");
  EXPECT_EQ(server.handshakes, 1);
  context_.reset();
}

TEST_F(TlsTest, AServerThatNobodyVouchesForIsRefused) {
  const Identity identity("IP:127.0.0.1");
  TlsServer server(identity);
  const auto reply = AskOnce(Options(server));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_NE(reply.error().message.find("certificate verify failed"), std::string::npos)
      << reply.error().message;
  EXPECT_EQ(server.handshakes, 0);
}

TEST_F(TlsTest, ACertificateOfAnotherNameIsRefused) {
  const Identity identity("DNS:example.org");
  TlsServer server(identity);
  HttpProviderOptions options = Options(server);
  options.ca_file = CaFile(identity);
  EXPECT_FALSE(AskOnce(std::move(options)));
  EXPECT_EQ(server.handshakes, 0);
}

TEST_F(TlsTest, WithoutVerificationAnyServerIsAsked) {
  const Identity identity("DNS:example.org");
  TlsServer server(identity);
  HttpProviderOptions options = Options(server);
  options.verify_tls = false;
  const auto reply = AskOnce(std::move(options));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->body, kBody);
}

}  // namespace
}  // namespace assay::gateway
