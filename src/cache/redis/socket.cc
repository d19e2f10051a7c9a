#include "redis/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace assay::cache::redis {
namespace {

using SteadyTime = Socket::SteadyTime;

constexpr std::size_t kMostTlsBytes = std::size_t{1} << 20;  // of one call, which takes an int

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

std::unexpected<Error> Broken(std::string_view doing, int error) {
  return Fail(Code::kUnavailable,
              fmt::format("{}: {}", doing, std::generic_category().message(error)));
}

std::unexpected<Error> TlsFail(std::string_view doing) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return Fail(Code::kUnavailable, fmt::format("{}: {}", doing, reason ? reason : "TLS error"));
}

}  // namespace

struct Socket::Impl {
  int descriptor = -1;
  std::unique_ptr<SSL_CTX, SslDeleter> context;
  std::unique_ptr<SSL, SslDeleter> tls;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    tls.reset();
    if (descriptor >= 0) ::close(descriptor);
  }

  // Waits until the socket is ready for `events`.
  Result<void> Await(short events, SteadyTime deadline) const {
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return Fail(Code::kDeadlineExceeded, "no answer in time");
      pollfd one{.fd = descriptor, .events = events, .revents = 0};
      const int ready =
          ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return Broken("waiting", errno);
    }
  }

  // Runs a TLS step until it is done; the step returns what the SSL_ function did.
  template <typename Step>
  Result<int> Tls(Step step, std::string_view doing, SteadyTime deadline) {
    while (true) {
      ERR_clear_error();
      const int result = step();
      if (result > 0) return result;
      const int why = SSL_get_error(tls.get(), result);
      if (why == SSL_ERROR_WANT_READ) {
        ASSAY_TRY(Await(POLLIN, deadline));
      } else if (why == SSL_ERROR_WANT_WRITE) {
        ASSAY_TRY(Await(POLLOUT, deadline));
      } else if (const long check = SSL_get_verify_result(tls.get()); check != X509_V_OK) {
        return Fail(Code::kUnavailable,
                    fmt::format("{}: {}", doing, X509_verify_cert_error_string(check)));
      } else {
        return TlsFail(doing);
      }
    }
  }

  Result<void> Connect(const sockaddr* address, socklen_t size, int family, SteadyTime deadline) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return Broken("making a socket", errno);
    if (::connect(descriptor, address, size) != 0 && errno != EINPROGRESS) {
      return Broken("connecting", errno);
    }
    ASSAY_TRY(Await(POLLOUT, deadline));
    int error = 0;
    socklen_t length = sizeof(error);
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error != 0) return Broken("connecting", error);
    if (family != AF_UNIX) {
      const int on = 1;
      static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
    }
    return {};
  }

  Result<void> ConnectUnix(const std::string& path, SteadyTime deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
      return Fail(Code::kInvalidArgument, "the path of the Redis socket is too long");
    }
    path.copy(address.sun_path, path.size());
    return Connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address), AF_UNIX, deadline);
  }

  Result<void> ConnectTcp(const RedisAddress& to, SteadyTime deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(to.port);
    if (const int error = ::getaddrinfo(to.host.c_str(), port.c_str(), &hints, &found);
        error != 0) {
      return Fail(Code::kUnavailable,
                  fmt::format("looking up the host: {}", ::gai_strerror(error)));
    }
    Result<void> connected = Fail(Code::kUnavailable, "the host has no address");
    for (const addrinfo* one = found; one != nullptr && !connected; one = one->ai_next) {
      connected = Connect(one->ai_addr, one->ai_addrlen, one->ai_family, deadline);
    }
    ::freeaddrinfo(found);
    return connected;
  }

  Result<void> StartTls(const RedisAddress& to, const std::string& ca_file, SteadyTime deadline) {
    context.reset(SSL_CTX_new(TLS_client_method()));
    if (context == nullptr) return TlsFail("starting TLS");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (ca_file.empty()) {
      SSL_CTX_set_default_verify_paths(context.get());
    } else if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' holds no certificates for Redis; check the path", ca_file));
    }
    tls.reset(SSL_new(context.get()));
    if (tls == nullptr) return TlsFail("starting TLS");
    in6_addr numeric{};
    const bool is_address = ::inet_pton(AF_INET, to.host.c_str(), &numeric) == 1 ||
                            ::inet_pton(AF_INET6, to.host.c_str(), &numeric) == 1;
    std::string host = to.host;
    if (is_address) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), host.c_str());
    } else {
      SSL_set1_host(tls.get(), host.c_str());
      SSL_ctrl(tls.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
    }
    if (SSL_set_fd(tls.get(), descriptor) != 1) return TlsFail("starting TLS");
    ASSAY_TRY(Tls([&] { return SSL_connect(tls.get()); }, "starting TLS", deadline));
    return {};
  }
};

Socket::Socket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::Connect(const RedisAddress& address, const std::string& tls_ca_file,
                               SteadyTime deadline) {
  auto impl = std::make_unique<Impl>();
  if (address.socket_path.empty()) {
    ASSAY_TRY(impl->ConnectTcp(address, deadline));
  } else {
    ASSAY_TRY(impl->ConnectUnix(address.socket_path, deadline));
  }
  if (address.tls) ASSAY_TRY(impl->StartTls(address, tls_ca_file, deadline));
  return Socket(std::move(impl));
}

Result<void> Socket::Write(std::string_view bytes, SteadyTime deadline) {
  while (!bytes.empty()) {
    if (impl_->tls) {
      const int most = static_cast<int>(std::min(bytes.size(), kMostTlsBytes));
      ASSAY_ASSIGN(const int wrote,
                   impl_->Tls([&] { return SSL_write(impl_->tls.get(), bytes.data(), most); },
                              "sending", deadline));
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
      continue;
    }
    const ssize_t wrote = ::send(impl_->descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (wrote >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno == EAGAIN) {
      ASSAY_TRY(impl_->Await(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return Broken("sending", errno);
    }
  }
  return {};
}

Result<std::size_t> Socket::Read(std::span<char> into, SteadyTime deadline) {
  if (impl_->tls) {
    const int most = static_cast<int>(std::min(into.size(), kMostTlsBytes));
    ASSAY_ASSIGN(const int got,
                 impl_->Tls([&] { return SSL_read(impl_->tls.get(), into.data(), most); },
                            "receiving", deadline));
    return static_cast<std::size_t>(got);
  }
  while (true) {
    const ssize_t got = ::recv(impl_->descriptor, into.data(), into.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return Fail(Code::kUnavailable, "the server closed the connection");
    if (errno == EAGAIN) {
      ASSAY_TRY(impl_->Await(POLLIN, deadline));
    } else if (errno != EINTR) {
      return Broken("receiving", errno);
    }
  }
}

}  // namespace assay::cache::redis
