#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_connection_internal.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kLingerMs = 2000;           // for a refused client to read why
constexpr std::size_t kReadAheadBytes = 64 << 10;  // taken in while a stage works on an answer
constexpr std::size_t kFlushBytes = 64 << 10;      // answers of a pipeline that wait for each other
constexpr int kReadsInARow = 4;                    // then the other connections have their turn

}  // namespace

ClientConnection::ClientConnection(IoThread& thread, int fd)
    : thread_(thread), fd_(fd), stream_(fd, thread.tls()) {}

ClientConnection::~ClientConnection() {
  Close();
}

void ClientConnection::Start() {
  const ServerLimits& limits = thread_.limits();
  SetState(State::kIdle, stream_.encrypted() ? limits.header_time_ms : limits.idle_time_ms);
}

void ClientConnection::SetState(State state, std::int64_t limit_ms) {
  state_ = state;
  limit_at_ms_ = limit_ms == 0 ? 0 : thread_.now_ms() + limit_ms;
}

void ClientConnection::Close() {
  if (closed_) return;
  closed_ = true;
  thread_.Remove(*this);
  ::close(fd_);  // which also takes it out of epoll
  hold_ = nullptr;
  if (const auto gone = std::exchange(on_gone_, nullptr)) gone();
  if (const auto drained = std::exchange(on_drained_, nullptr)) drained();
}

void ClientConnection::CheckTime(std::int64_t now_ms) {
  if (write_limit_at_ms_ != 0 && now_ms >= write_limit_at_ms_) return Close();
  if (limit_at_ms_ == 0 || now_ms < limit_at_ms_) return;
  if (state_ != State::kHead && state_ != State::kBody) return Close();
  const bool head = state_ == State::kHead;
  Refuse(ParseError{.status = 408,
                    .code = head ? "header_timeout" : "body_timeout",
                    .message = head ? "The request's headers took too long to come."
                                    : "The request's body took too long to come."});
  Flush();
}

void ClientConnection::Drain() {
  if (state_ == State::kIdle && unsent_bytes() == 0) return Close();
  if (!streaming_) keep_alive_ = false;
}

// ---- reading ----

void ClientConnection::OnEvents(std::uint32_t events) {
  if (closed_) return;
  if ((events & EPOLLOUT) != 0 && unsent_bytes() > 0) Flush();
  if (closed_ || (events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  readable_ = true;
  peer_ended_ = peer_ended_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && state_ == State::kDeferred) return Close();
  if (unsent_bytes() > 0) Flush();  // TLS may have waited for a read in order to write
  Read();
  // The client left while an answer is made, and more was sent than is read ahead.
  if (!closed_ && (events & EPOLLRDHUP) != 0 && readable_ && on_gone_) OnEndOfInput(false);
}

void ClientConnection::Read() {
  for (int round = 0; round < kReadsInARow; ++round) {
    if (closed_ || !readable_ || state_ == State::kClosing || end_of_input_) return;
    if (input_.size() > ReadAhead()) return;
    if (unsent_bytes() > 0 && state_ != State::kDeferred) return;  // answers first
    char* const buffer = thread_.read_buffer();
    const IoResult read = stream_.Read({buffer, kReadBytes});
    if (read.status == IoStatus::kWantRead) {
      readable_ = false;
      return;
    }
    if (read.status == IoStatus::kWantWrite) return;  // an event will come
    if (read.status == IoStatus::kPlainHttp) return RefusePlainHttp();
    if (read.status != IoStatus::kDone) return OnEndOfInput(read.status == IoStatus::kBroken);
    // All that was there; what comes later makes an event. A TLS record hides what follows it, and
    // the end of the client's bytes made its event already.
    if (read.bytes < kReadBytes && !stream_.encrypted() && !peer_ended_) readable_ = false;
    if (state_ != State::kLinger) OnBytes({buffer, read.bytes});
  }
  if (!closed_ && readable_) ResumeSoon();
}

void ClientConnection::ResumeSoon() {
  if (resuming_ || closed_) return;
  resuming_ = true;
  thread_.ResumeSoon(shared_from_this());
}

void ClientConnection::Resume() {
  resuming_ = false;
  if (!closed_ && !input_.empty() && state_ <= State::kBody) Process();
  Read();
}

std::size_t ClientConnection::ReadAhead() const {
  if (state_ == State::kDeferred) return kReadAheadBytes;
  return thread_.limits().parse.head_bytes + thread_.limits().parse.body_bytes + kReadBytes;
}

void ClientConnection::OnEndOfInput(bool broken) {
  // A client that has finished sending may still read, unless a model would answer for nobody.
  const bool may_read = !broken && state_ == State::kDeferred && !on_gone_;
  if (!may_read && (broken || unsent_bytes() == 0 || state_ == State::kDeferred)) return Close();
  end_of_input_ = true;
  keep_alive_ = false;
}

void ClientConnection::OnBytes(std::string_view bytes) {
  if (!input_.empty()) {
    input_.append(bytes);
    return Process();
  }
  const std::size_t taken = Take(bytes);
  input_.assign(bytes.substr(taken));
  FlushSoon();
}

void ClientConnection::Process() {
  if (closed_) return;
  input_.reserve(std::max(wanted_, input_.size()) + kBodyPadding);
  const std::size_t taken = Take(input_);
  if (taken == input_.size()) {
    std::string().swap(input_);
  } else {
    input_.erase(0, taken);
  }
  FlushSoon();
}

std::size_t ClientConnection::Take(std::string_view bytes) {
  std::size_t taken = 0;
  in_batch_ = true;
  while (!closed_ && taken < bytes.size() && state_ <= State::kBody) {
    if (unsent_bytes() > kFlushBytes) {
      Flush();
      if (closed_ || unsent_bytes() > 0) break;
    }
    const std::string_view rest = bytes.substr(taken);
    if (!(chunks_ ? TakeChunks(rest, taken) : TakeRequest(rest, taken))) break;
  }
  in_batch_ = false;
  return taken;
}

bool ClientConnection::TakeRequest(std::string_view bytes, std::size_t& taken) {
  if (bytes.size() < wanted_) return false;
  const ServerLimits& limits = thread_.limits();
  RequestView& request = thread_.request();
  const HeadResult head = ParseHead(bytes, searched_, limits.parse, request);
  searched_ = 0;
  if (head.status == HeadStatus::kRefused) {
    Refuse(head.error);
    return false;
  }
  if (head.status == HeadStatus::kNeedMore) {
    searched_ = bytes.size();
    if (state_ == State::kIdle) SetState(State::kHead, limits.header_time_ms);
    return false;
  }
  const std::size_t whole = head.head_bytes + static_cast<std::size_t>(request.content_length);
  if (request.chunked || bytes.size() < whole) {
    SetState(State::kBody, limits.body_time_ms);
    if (request.expects_continue) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
    if (!request.chunked) {
      wanted_ = whole;
      return false;
    }
    chunks_ = std::make_unique<ChunkedBody>();
    chunks_->head.assign(bytes.substr(0, head.head_bytes));
    taken += head.head_bytes;
    return true;
  }
  wanted_ = 0;
  request.body = bytes.substr(head.head_bytes, whole - head.head_bytes);
  taken += whole;
  Handle(request);
  return true;
}

bool ClientConnection::TakeChunks(std::string_view bytes, std::size_t& taken) {
  taken += chunks_->decoder.Feed(bytes, thread_.limits().parse, chunks_->body);
  if (chunks_->decoder.refused()) {
    Refuse(chunks_->decoder.error());
    return false;
  }
  if (!chunks_->decoder.done()) return false;
  const std::unique_ptr<ChunkedBody> chunked = std::move(chunks_);
  RequestView& request = thread_.request();
  ParseLimits limits = thread_.limits().parse;
  limits.head_bytes = chunked->head.size();  // was whole and good before, whatever is allowed now
  (void)ParseHead(chunked->head, 0, limits, request);
  chunked->body.reserve(chunked->body.size() + kBodyPadding);
  request.body = chunked->body;
  Handle(request);
  return true;
}

void ClientConnection::Handle(RequestView& request) {
  keep_alive_ = request.keep_alive && !end_of_input_ &&
                !thread_.shared().draining.load(std::memory_order_relaxed);
  http_1_0_ = request.http_1_0;
  head_only_ = request.method == "HEAD";
  state_ = State::kHandling;
  limit_at_ms_ = 0;
  thread_.shared().sink->OnRequest(request, *this);
  if (state_ == State::kHandling) {
    AnswerReply(ErrorReply(Error{Code::kInternal, "a bug in Assay: nobody answered"}), {});
  }
}

void ClientConnection::Refuse(const ParseError& error) {
  thread_.shared().sink->OnRefused(error);
  keep_alive_ = false;
  head_only_ = false;
  AnswerReply(ErrorReply(ApiError{.status = error.status,
                                  .type = ErrorTypeOf(error.status),
                                  .code = std::string(error.code),
                                  .param = {},
                                  .message = std::string(error.message)}),
              {});
}

// A client that forgot the "s" of https is told so in words that it can read.
void ClientConnection::RefusePlainHttp() {
  stream_.DropTls();
  Refuse(ParseError{.status = 400,
                    .code = "https_required",
                    .message = "This port speaks TLS; write https:// instead of http://."});
  Flush();
}

// ---- answering ----

void ReplyStream::AnswerReply(const HttpReply& reply, std::string_view request_id) {
  std::string fields;
  if (!request_id.empty()) fields.append("x-request-id: ").append(request_id).append("\r\n");
  for (const HttpHeaders::Field& field : reply.headers.fields()) {
    fields.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  Answer({.status = reply.status, .content_type = reply.content_type, .fields = fields},
         reply.body);
}

void ClientConnection::AppendHead(const AnswerHead& head) {
  if (output_.capacity() <= sizeof(std::string)) output_ = thread_.TakeBuffer();
  if (head.status == 200) {
    output_.append("HTTP/1.1 200 OK\r\n");
  } else {
    fmt::format_to(std::back_inserter(output_), "HTTP/1.1 {} {}\r\n", head.status,
                   ReasonPhrase(head.status));
  }
  if (!head.content_type.empty()) {
    output_.append("content-type: ").append(head.content_type).append("\r\n");
  }
  output_.append(thread_.date_field());
  output_.append(head.fields);
  if (!keep_alive_) {
    output_.append("connection: close\r\n");
  } else if (http_1_0_) {
    output_.append("connection: keep-alive\r\n");
  }
}

void ClientConnection::Answer(const AnswerHead& head, std::string_view body) {
  if (closed_) return;
  AppendHead(head);
  if (head.status >= 200 && head.status != 204 && head.status != 304) {
    const fmt::format_int length(body.size());
    output_.append("content-length: ").append(length.data(), length.size()).append("\r\n");
  }
  output_.append("\r\n");
  if (!head_only_) output_.append(body);
  FinishRequest();
}

std::shared_ptr<ReplyStream> ClientConnection::Defer(std::function<void()> on_gone) {
  state_ = State::kDeferred;
  on_gone_ = std::move(on_gone);
  hold_ = thread_.Hold();
  return shared_from_this();
}

void ClientConnection::Begin(const AnswerHead& head) {
  if (closed_) return;
  if (http_1_0_) keep_alive_ = false;
  AppendHead(head);
  output_.append(http_1_0_ ? "\r\n" : "transfer-encoding: chunked\r\n\r\n");
  streaming_ = true;
  if (!in_batch_) Flush();
}

void ClientConnection::Write(std::string_view bytes) {
  if (closed_ || bytes.empty() || head_only_) return;
  if (http_1_0_) {
    output_.append(bytes);
  } else {
    fmt::format_to(std::back_inserter(output_), "{:x}\r\n", bytes.size());
    output_.append(bytes).append("\r\n");
  }
  if (!in_batch_) Flush();
}

void ClientConnection::End() {
  if (closed_) return;
  if (!http_1_0_ && !head_only_) output_.append("0\r\n\r\n");
  streaming_ = false;
  FinishRequest();
}

void ClientConnection::Abort() {
  Flush();
  Close();
}

void ClientConnection::FinishRequest() {
  const bool was_deferred = state_ == State::kDeferred;
  on_gone_ = nullptr;
  hold_ = nullptr;
  // The head of a stream may have promised to go on before the drain began.
  if (thread_.shared().draining.load(std::memory_order_relaxed)) keep_alive_ = false;
  if (keep_alive_) {
    SetState(State::kIdle, thread_.limits().idle_time_ms);
  } else {
    SetState(State::kClosing, 0);
  }
  if (!was_deferred || in_batch_) return;
  FlushSoon();
  ResumeSoon();
}

void ClientConnection::Flush() {
  const bool was_blocked = write_limit_at_ms_ != 0;
  while (!closed_ && unsent_bytes() > 0) {
    const IoResult written = stream_.Write(std::string_view(output_).substr(sent_));
    if (written.status == IoStatus::kDone) {
      sent_ += written.bytes;
      write_limit_at_ms_ = 0;
      continue;
    }
    if (write_limit_at_ms_ == 0) {
      write_limit_at_ms_ = thread_.now_ms() + thread_.limits().write_time_ms;
    }
    if (written.status == IoStatus::kWantWrite || written.status == IoStatus::kWantRead) return;
    return Close();
  }
  if (closed_) return;
  GiveBackOutput();
  if (const auto drained = std::exchange(on_drained_, nullptr)) drained();
  if (closed_) return;
  if (state_ == State::kIdle && !keep_alive_) state_ = State::kClosing;  // drained meanwhile
  if (state_ == State::kClosing) {
    stream_.ShutdownWrite();
    if (end_of_input_) return Close();
    SetState(State::kLinger, kLingerMs);
    ResumeSoon();
  } else if (!in_batch_ && (was_blocked || readable_)) {
    ResumeSoon();  // requests that waited for the client to take its answers
  }
}

void ClientConnection::FlushSoon() {
  if (stream_.encrypted() || unsent_bytes() == 0 || closed_) return Flush();
  if (sending_) return;
  sending_ = true;
  thread_.SendSoon(*this);
}

void ClientConnection::NoteSent(int bytes) {
  if (bytes <= 0) return;
  sent_ += static_cast<std::size_t>(bytes);
  write_limit_at_ms_ = 0;
}

void ClientConnection::FinishSend() {
  sending_ = false;
  Flush();
}

void ClientConnection::GiveBackOutput() {
  sent_ = 0;
  if (output_.capacity() > sizeof(std::string)) {
    thread_.GiveBuffer(std::exchange(output_, {}));
  } else {
    output_.clear();  // the end of a stream fits into the string itself
  }
}

void ClientConnection::WhenDrained(std::function<void()> done) {
  if (closed_ || unsent_bytes() == 0) return done();
  on_drained_ = std::move(done);
}

boost::asio::any_io_executor ClientConnection::executor() {
  return thread_.context().get_executor();
}

std::string ClientConnection::peer() const {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (closed_ || ::getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return {};
  boost::asio::ip::tcp::endpoint remote;
  std::memcpy(remote.data(), &address, bytes);
  return AddressText(remote);
}

}  // namespace assay::gateway
