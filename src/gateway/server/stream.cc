#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <sys/socket.h>

#include "stream_internal.h"

namespace assay::gateway {
namespace {

// OpenSSL's own words for the first error, which name what is wrong with a file.
std::string TlsReason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::system_category().message(ERR_GET_REASON(code));
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

bool OfAnotherCertificate(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  return ERR_GET_LIB(error) == ERR_LIB_X509 &&
         (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH);
}

// Only HTTP/1.1 is spoken; a client that offers it (or nothing) may go on.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_bytes,
                   const unsigned char* in, unsigned int in_bytes, void*) {
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_bytes, kHttp11, sizeof kHttp11, in, in_bytes);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::Load(const std::string& cert_file,
                                                     const std::string& key_file,
                                                     bool tls_1_3_only) {
  ERR_clear_error();
  SSL_CTX* raw = SSL_CTX_new(TLS_server_method());
  if (raw == nullptr) return Fail(Code::kInternal, "OpenSSL gave no context: " + TlsReason());
  std::shared_ptr<TlsContext> context(new TlsContext(raw));
  SSL_CTX_set_min_proto_version(raw, tls_1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Buffers are given back while a connection is idle, and a moved write buffer is no fault.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(raw, SelectProtocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, cert_file.c_str()) != 1) {
    return Fail(Code::kInvalidArgument,
                fmt::format("tls.cert_file {}: no certificate chain in PEM form ({})", cert_file,
                            TlsReason()));
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1 &&
      !OfAnotherCertificate(ERR_peek_error())) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("tls.key_file {}: no private key in PEM form ({})", key_file, TlsReason()));
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("tls.key_file {}: not the key of tls.cert_file {}", key_file, cert_file));
  }
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

SocketStream::SocketStream(int fd, const std::shared_ptr<TlsContext>& tls) : fd_(fd) {
  if (!tls) return;
  ssl_ = SSL_new(tls->get());
  if (ssl_ == nullptr) {
    fd_ = -1;  // out of memory: every call then fails
    return;
  }
  SSL_set_fd(ssl_, fd);
  SSL_set_accept_state(ssl_);
}

SocketStream::~SocketStream() {
  DropTls();
}

void SocketStream::DropTls() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ssl_ = nullptr;
}

IoResult SocketStream::FromTls(int returned) const {
  if (returned > 0) return {IoStatus::kDone, static_cast<std::size_t>(returned)};
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return {IoStatus::kWantRead, 0};
    case SSL_ERROR_WANT_WRITE:
      return {IoStatus::kWantWrite, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::kClosed, 0};
    default:
      return {ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST ? IoStatus::kPlainHttp
                                                                     : IoStatus::kBroken,
              0};
  }
}

IoResult SocketStream::Read(std::span<char> into) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return FromTls(
        SSL_read(ssl_, into.data(), static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX))));
  }
  while (true) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return {IoStatus::kDone, static_cast<std::size_t>(got)};
    if (got == 0) return {IoStatus::kClosed, 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::kWantRead, 0};
    if (errno != EINTR) return {IoStatus::kBroken, 0};
  }
}

IoResult SocketStream::Write(std::string_view bytes) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return FromTls(SSL_write(ssl_, bytes.data(),
                             static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX))));
  }
  while (true) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return {IoStatus::kDone, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::kWantWrite, 0};
    if (errno != EINTR) return {IoStatus::kBroken, 0};
  }
}

bool SocketStream::HasBuffered() const {
  return ssl_ != nullptr && SSL_pending(ssl_) > 0;
}

void SocketStream::ShutdownWrite() {
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
  }
  ::shutdown(fd_, SHUT_WR);
}

}  // namespace assay::gateway
