#include "http/http_client.h"

#include <optional>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace assay::cli {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

constexpr std::uint64_t kMostBodyBytes = std::uint64_t{64} << 20;

std::unexpected<Error> Broken(const HttpTarget& target, std::string_view doing,
                              const boost::system::error_code& error) {
  return Fail(Code::kUnavailable,
              fmt::format("{} {}:{}: {}", doing, target.host, target.port, error.message()));
}

}  // namespace

Result<HttpTarget> HttpTarget::Parse(std::string_view url) {
  HttpTarget target;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    target.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no http:// or https:// URL of a gateway", url));
  }
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) target.prefix = rest.substr(slash);
  rest = rest.substr(0, slash);
  while (target.prefix.ends_with('/')) target.prefix.pop_back();
  if (target.prefix.ends_with("/v1")) target.prefix.resize(target.prefix.size() - 3);
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  target.port = has_port ? std::string(rest.substr(colon + 1)) : (target.tls ? "443" : "80");
  std::string_view host = has_port ? rest.substr(0, colon) : rest;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  target.host = host;
  if (target.host.empty() || target.port.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("'{}' names no host", url));
  }
  return target;
}

struct HttpClient::Impl {
  HttpTarget target;
  std::string token;
  int timeout_s = 0;
  asio::io_context context;
  asio::ssl::context tls_context{asio::ssl::context::tls_client};
  std::optional<Tcp::socket> socket;
  std::optional<asio::ssl::stream<Tcp::socket&>> tls;
  boost::beast::flat_buffer buffer;

  void Close() {
    tls.reset();
    socket.reset();
    buffer.clear();
  }

  Result<void> Connect() {
    Close();
    boost::system::error_code error;
    Tcp::resolver resolver(context);
    const auto found = resolver.resolve(target.host, target.port, error);
    if (error) return Broken(target, "cannot look up", error);
    socket.emplace(context);
    asio::connect(*socket, found, error);
    if (error) return Broken(target, "cannot connect to", error);
    socket->set_option(Tcp::no_delay(true), error);
    const timeval limit{.tv_sec = timeout_s, .tv_usec = 0};
    ::setsockopt(socket->native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(socket->native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (!target.tls) return {};
    tls_context.set_default_verify_paths(error);
    tls.emplace(*socket, tls_context);
    tls->set_verify_mode(asio::ssl::verify_peer, error);
    tls->set_verify_callback(asio::ssl::host_name_verification(target.host), error);
    SSL_ctrl(tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             target.host.data());
    tls->handshake(asio::ssl::stream_base::client, error);
    if (error) return Broken(target, "no TLS with", error);
    return {};
  }

  template <typename Stream>
  Result<HttpAnswer> Exchange(Stream& stream, const http::request<http::string_body>& request) {
    boost::system::error_code error;
    http::write(stream, request, error);
    if (error) return Broken(target, "cannot send to", error);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMostBodyBytes);
    http::read(stream, buffer, parser, error);
    if (error) return Broken(target, "no answer from", error);
    const auto& response = parser.get();
    HttpAnswer answer;
    answer.status = static_cast<int>(response.result_int());
    answer.cache = std::string(response["x-assay-cache"]);
    answer.body = response.body();
    const std::string wait(response[http::field::retry_after]);
    if (!wait.empty()) answer.retry_after_s = std::strtol(wait.c_str(), nullptr, 10);
    if (!parser.keep_alive()) Close();
    return answer;
  }
};

HttpClient::HttpClient(HttpTarget target, std::string token, int timeout_s)
    : impl_(std::make_unique<Impl>()) {
  impl_->target = std::move(target);
  impl_->token = std::move(token);
  impl_->timeout_s = timeout_s;
}

HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::Post(std::string_view path, std::string_view json) {
  const HttpTarget& target = impl_->target;
  http::request<http::string_body> request(http::verb::post, target.prefix + std::string(path), 11);
  request.set(http::field::host, target.host + ":" + target.port);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::user_agent, "assay");
  if (!impl_->token.empty()) request.set(http::field::authorization, "Bearer " + impl_->token);
  request.body() = json;
  request.prepare_payload();
  // A kept connection may have been closed by the server meanwhile: then once more on a new one.
  for (const bool kept : {impl_->socket.has_value(), false}) {
    if (!kept) ASSAY_TRY(impl_->Connect());
    Result<HttpAnswer> answer = impl_->tls ? impl_->Exchange(*impl_->tls, request)
                                           : impl_->Exchange(*impl_->socket, request);
    if (answer) return answer;
    impl_->Close();
    if (!kept) return answer;
  }
  return Fail(Code::kInternal, "unreachable");
}

}  // namespace assay::cli
