#include "validate/parts/wire.h"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace assay::cli::validate {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kMostHeadBytes = 256 * 1024;
constexpr std::size_t kMostBodyBytes = std::size_t{64} << 20;

std::unexpected<Error> Broken(std::string_view what) {
  return Fail(Code::kUnavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

std::size_t NumberOf(std::string_view text, int base) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

int Message::status() const {
  if (!start.starts_with("HTTP/1.")) return 0;
  return static_cast<int>(NumberOf(std::string_view(start).substr(std::strlen("HTTP/1.1 ")), 10));
}

std::string_view Message::Header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
    line.remove_prefix(name.size() + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    return line;
  }
  return {};
}

std::string RequestBytes(std::string_view method, std::string_view path, std::string_view body,
                         Headers headers) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\nhost: localhost\r\n", method, path);
  if (!body.empty() || method == "POST") {
    out += fmt::format("content-type: application/json\r\ncontent-length: {}\r\n", body.size());
  }
  for (const auto& [name, value] : headers) out += fmt::format("{}: {}\r\n", name, value);
  out += "\r\n";
  out += body;
  return out;
}

Result<void> WireReader::More() {
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t got = 0;
  do {
    got = ::recv(fd_, buffer_.data() + before, kReadBytes, 0);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) return {};
  if (got < 0) return Broken("cannot read from the connection");
  return Fail(Code::kUnavailable,
              before == 0 ? "" : "the connection was closed in the middle of a message");
}

Result<void> WireReader::ReadBody(Message& message) {
  if (message.Header("transfer-encoding") != "chunked") {
    const std::size_t length = NumberOf(message.Header("content-length"), 10);
    if (length > kMostBodyBytes) return Fail(Code::kDataLoss, "a body of more than 64 MB");
    while (buffer_.size() < length) ASSAY_TRY(More());
    message.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return {};
  }
  while (true) {
    std::size_t line = 0;
    while ((line = buffer_.find("\r\n")) == std::string::npos) ASSAY_TRY(More());
    const std::size_t length = NumberOf(std::string_view(buffer_).substr(0, line), 16);
    if (length > kMostBodyBytes) return Fail(Code::kDataLoss, "a chunk of more than 64 MB");
    const std::size_t whole = line + 2 + length + 2;
    while (buffer_.size() < whole) ASSAY_TRY(More());
    message.body.append(buffer_, line + 2, length);
    buffer_.erase(0, whole);
    if (length == 0) return {};
  }
}

Result<Message> WireReader::Next() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (buffer_.size() > kMostHeadBytes) return Fail(Code::kDataLoss, "a head without an end");
    ASSAY_TRY(More());
  }
  Message message;
  const std::size_t line = buffer_.find("\r\n");
  message.start = buffer_.substr(0, line);
  message.head = buffer_.substr(line + 2, end + 2 - std::min(line + 2, end + 2));
  buffer_.erase(0, end + 4);
  bool in_name = true;
  for (char& c : message.head) {
    if (c == ':') in_name = false;
    if (c == '\n') in_name = true;
    if (in_name && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (message.start.find("HTTP/1.") == std::string::npos) {
    return Fail(Code::kDataLoss, fmt::format("'{}' is no HTTP", message.start.substr(0, 60)));
  }
  ASSAY_TRY(ReadBody(message));
  return message;
}

Result<void> SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Broken("cannot write to the connection");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Connection> Connection::Open(std::uint16_t port, int timeout_s) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return Broken("no socket");
  const timeval limit{.tv_sec = timeout_s, .tv_usec = 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Broken(fmt::format("cannot connect to 127.0.0.1:{}", port));
  }
  return Connection(std::move(socket));
}

Result<Message> Connection::Ask(std::string_view request) {
  ASSAY_TRY(Send(request));
  return Receive();
}

void Connection::EndWriting() {
  ::shutdown(socket_.fd(), SHUT_WR);
}

}  // namespace assay::cli::validate
