// A connected socket, plain or TLS, read and written without blocking and without buffers of its
// own.
// Threads: one at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

// OpenSSL's names; its headers stay in the .cc.
struct ssl_st;
struct ssl_ctx_st;

namespace assay::gateway {

// The server's certificate and key; shared by all connections made from it.
class TlsContext {
 public:
  // Errors: kInvalidArgument, which names the setting and the file (that cannot be read, holds no
  // certificate or key, or not the pair of the other).
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> Load(const std::string& cert_file,
                                                                const std::string& key_file,
                                                                bool tls_1_3_only);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

enum class IoStatus : std::uint8_t {
  kDone,       // `bytes` moved, at least one
  kWantRead,   // nothing moved: wait until the socket is readable
  kWantWrite,  // nothing moved: wait until it is writable
  kClosed,     // the peer has finished
  kBroken,     // reset, or TLS went wrong
  kPlainHttp,  // instead of a TLS handshake
};
struct IoResult {
  IoStatus status = IoStatus::kBroken;
  std::size_t bytes = 0;
};

class SocketStream {
 public:
  // `fd` stays the caller's. `tls` may be null.
  SocketStream(int fd, const std::shared_ptr<TlsContext>& tls);
  ~SocketStream();
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  [[nodiscard]] IoResult Read(std::span<char> into);
  [[nodiscard]] IoResult Write(std::string_view bytes);
  // TLS: bytes that were decrypted already, for which the socket will not become readable again.
  [[nodiscard]] bool HasBuffered() const;
  // No more is written; the peer sees the end. What is sent on is still sent.
  void ShutdownWrite();
  [[nodiscard]] bool encrypted() const { return ssl_ != nullptr; }
  // From now on what is written goes out as it is.
  void DropTls();

 private:
  [[nodiscard]] IoResult FromTls(int returned) const;

  int fd_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace assay::gateway
