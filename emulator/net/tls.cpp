// OpenSSL, and nobody else's. Contexts are made on first use, so that a process that speaks no TLS
// does not pay for the library. RFC 8446; certificates as RFC 5280 asks of a small private
// authority.
#include "net/tls.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/result.h"
#include "base/text.h"
#include "net/tls_session.h"

namespace net {

namespace {

constexpr size_t kMaxCachedLeaves = 1024;  // SNI is the peer's to choose
constexpr size_t kMaxNameBytes = 253;
constexpr size_t kMaxCommonNameBytes = 64;
constexpr long kCaDays = 3650;
constexpr long kLeafDays = 397;  // browsers refuse longer ones

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* thing) const {
        Free(thing);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freer<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Freer<SSL_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

std::string openssl_error() {
    char text[256] = "unknown";
    if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return text;
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return std::string(data, static_cast<size_t>(size));
}

std::string to_pem(X509* certificate) {
    Bio memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(memory.get(), certificate);
    return text_of(memory.get());
}

std::string to_pem(EVP_PKEY* key) {
    Bio memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(memory.get());
}

Cert read_certificate(std::string_view pem) {
    Bio memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return Cert(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

Key read_key(std::string_view pem) {
    Bio memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return Key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (!extension) return false;
    const bool added = X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

Cert start_certificate(EVP_PKEY* key, std::string_view common_name, long days) {
    Cert certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    unsigned char serial[16];
    RAND_bytes(serial, sizeof serial);
    serial[0] = (serial[0] & 0x7f) | 0x40;  // positive, and of full length
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
    BN_free(number);
    // A day back: a container's clock may be behind.
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 24 * 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const auto add = [subject](const char* field, std::string_view value) {
        X509_NAME_add_entry_by_txt(subject, field, MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0);
    };
    add("O", "dodam");
    if (!common_name.empty() && common_name.size() <= kMaxCommonNameBytes) add("CN", common_name);
    return certificate;
}

std::expected<Certificate, std::string> make_ca() {
    Key key(EVP_EC_gen("P-256"));
    if (!key)
        return std::unexpected("no key could be made for the local authority: " + openssl_error());
    Cert certificate = start_certificate(key.get(), "dodam local authority", kCaDays);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    const bool done =
        add_extension(certificate.get(), certificate.get(), NID_basic_constraints,
                      "critical,CA:TRUE,pathlen:0") &&
        add_extension(certificate.get(), certificate.get(), NID_key_usage,
                      "critical,keyCertSign,cRLSign") &&
        add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash") &&
        X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
    if (!done) return std::unexpected("the local authority could not be made: " + openssl_error());
    return Certificate{to_pem(certificate.get()), to_pem(key.get())};
}

// What a certificate may name: letters, digits and - _ . with `*` as a whole first label, or an IP
// literal. Nothing else reaches OpenSSL's extension syntax, where a comma starts another name.
bool is_certifiable(std::string_view name) {
    if (name.empty() || name.size() > kMaxNameBytes) return false;
    if (Address::tcp(name, 0)) return true;
    if (name.starts_with("*.")) name.remove_prefix(2);
    for (const char c : name) {
        const bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && c != '.') return false;
    }
    return !name.empty();
}

std::string alternative_names(std::string_view name) {
    if (name == "localhost") return "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1";
    if (const auto literal = Address::tcp(name, 0)) return "IP:" + literal->ip();
    return "DNS:" + std::string(name);
}

std::expected<Certificate, std::string> make_leaf(const Certificate& ca, std::string_view name) {
    const Cert issuer = read_certificate(ca.certificate_pem);
    const Key issuer_key = read_key(ca.key_pem);
    if (!issuer || !issuer_key)
        return std::unexpected(std::string("the local authority's files cannot be read as PEM"));
    Key key(EVP_EC_gen("P-256"));
    if (!key) return std::unexpected("no key could be made: " + openssl_error());
    Cert certificate = start_certificate(key.get(), name, kLeafDays);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
    const bool done =
        add_extension(certificate.get(), issuer.get(), NID_basic_constraints,
                      "critical,CA:FALSE") &&
        add_extension(certificate.get(), issuer.get(), NID_key_usage,
                      "critical,digitalSignature") &&
        add_extension(certificate.get(), issuer.get(), NID_ext_key_usage,
                      "serverAuth,clientAuth") &&
        add_extension(certificate.get(), issuer.get(), NID_subject_alt_name,
                      alternative_names(name)) &&
        add_extension(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid") &&
        X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0;
    if (!done)
        return std::unexpected("no certificate could be made for " + std::string(name) + ": " +
                               openssl_error());
    return Certificate{to_pem(certificate.get()), to_pem(key.get())};
}

std::string read_file(const std::string& path) {
    std::string text;
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return text;
    char chunk[4096];
    for (ssize_t got; (got = read(descriptor, chunk, sizeof chunk)) > 0;)
        text.append(chunk, static_cast<size_t>(got));
    close(descriptor);
    return text;
}

// Temporary file and rename: a death in between leaves no half a key.
std::expected<void, std::string> write_private(const std::string& path, std::string_view text) {
    const std::string temporary = path + ".new";
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written = descriptor >= 0 && write(descriptor, text.data(), text.size()) ==
                                                static_cast<ssize_t>(text.size());
    const int code = errno;
    if (descriptor >= 0) close(descriptor);
    if (!written || rename(temporary.c_str(), path.c_str()) != 0) {
        const int why = written ? errno : code;
        unlink(temporary.c_str());
        return std::unexpected(path + " cannot be written: " + std::strerror(why));
    }
    return {};
}

// The socket as OpenSSL sees it: never blocks, never raises SIGPIPE.
int socket_write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto descriptor = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
    const ssize_t sent =
        send(descriptor, data, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int socket_read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto descriptor = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
    const ssize_t got = recv(descriptor, data, static_cast<size_t>(size), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long socket_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return 0;
}

const BIO_METHOD* socket_method() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dodam socket");
        BIO_meth_set_write(made, socket_write);
        BIO_meth_set_read(made, socket_read);
        BIO_meth_set_ctrl(made, socket_control);
        return made;
    }();
    return method;
}

class OpenSslSession final : public TlsSession {
  public:
    OpenSslSession(SSL_CTX* context, int descriptor)
        : ssl_(SSL_new(context)), descriptor_(descriptor) {
        BIO* bio = BIO_new(socket_method());
        BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(descriptor)));
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
    }

    SSL* ssl() const { return ssl_.get(); }

    // Calls `step` until it succeeds, waiting for the socket as OpenSSL asks. 0 = the peer's
    // close_notify.
    template <class Step>
    Result<int> drive(Step step, Deadline deadline, std::string_view doing) {
        while (true) {
            ERR_clear_error();
            errno = 0;
            const int result = step(ssl_.get());
            if (result > 0) return result;
            const int code = errno;
            switch (SSL_get_error(ssl_.get(), result)) {
                case SSL_ERROR_ZERO_RETURN: return 0;
                case SSL_ERROR_WANT_READ: TRY(wait_for(descriptor_, POLLIN, deadline)); break;
                case SSL_ERROR_WANT_WRITE: TRY(wait_for(descriptor_, POLLOUT, deadline)); break;
                case SSL_ERROR_SYSCALL:
                    broken_ = true;
                    if (code == 0)
                        return std::unexpected(
                            Error{ErrorKind::Closed, 0,
                                  std::string(doing) + ": the peer closed the connection"});
                    return std::unexpected(system_error(code, doing));
                default: {
                    broken_ = true;
                    const bool ended =
                        ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
                    return std::unexpected(Error{ended ? ErrorKind::Closed : ErrorKind::Tls, 0,
                                                 std::string(doing) + ": " + reason()});
                }
            }
        }
    }

    Result<size_t> read_some(std::span<char> into, Deadline deadline) override {
        const int size = static_cast<int>(std::min<size_t>(into.size(), 1 << 30));
        const int got = TRY(drive([&](SSL* ssl) { return SSL_read(ssl, into.data(), size); },
                                  deadline, "TLS read"));
        return static_cast<size_t>(got);
    }

    Result<size_t> write_some(std::string_view bytes, Deadline deadline) override {
        const int size = static_cast<int>(std::min<size_t>(bytes.size(), 1 << 30));
        const int sent = TRY(drive([&](SSL* ssl) { return SSL_write(ssl, bytes.data(), size); },
                                   deadline, "TLS write"));
        if (sent == 0)
            return std::unexpected(
                Error{ErrorKind::Closed, 0, "TLS write: the peer closed the connection"});
        return static_cast<size_t>(sent);
    }

    Result<void> write_all(std::string_view bytes, Deadline deadline) override {
        while (!bytes.empty())
            bytes.remove_prefix(TRY(write_some(bytes, deadline)));
        return {};
    }

    // Undecrypted bytes count too: one of them may be what the caller waits for, and a read tells.
    bool has_buffered() const override { return SSL_has_pending(ssl_.get()) == 1; }

    void close_notify() override {
        if (broken_ || !SSL_is_init_finished(ssl_.get())) return;
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }

    std::string server_name() const override {
        const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
        return name ? name : "";
    }
    std::string protocol() const override {
        const unsigned char* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &name, &size);
        return std::string(reinterpret_cast<const char*>(name), size);
    }
    std::string version() const override { return SSL_get_version(ssl_.get()); }
    std::string cipher() const override { return SSL_get_cipher_name(ssl_.get()); }

  private:
    std::string reason() const {
        const long verdict = SSL_get_verify_result(ssl_.get());
        if (verdict != X509_V_OK) {
            ERR_clear_error();
            return std::string("the certificate is not accepted: ") +
                   X509_verify_cert_error_string(verdict);
        }
        return openssl_error();
    }

    Ssl ssl_;
    int descriptor_;
    bool broken_ = false;
};

Context make_context(const SSL_METHOD* method) {
    Context context(SSL_CTX_new(method));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // Idle connections give their buffers back; a failed write may be tried again from elsewhere.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

}  // namespace

std::expected<void, std::string> Authority::ensure() {
    if (!ca_.certificate_pem.empty()) return {};
    Certificate found{read_file(ca_path()), read_file(directory_ + "/ca.key")};
    if (!found.certificate_pem.empty() && !found.key_pem.empty()) {
        const Cert certificate = read_certificate(found.certificate_pem);
        const Key key = read_key(found.key_pem);
        if (!certificate || !key || X509_check_private_key(certificate.get(), key.get()) != 1) {
            ERR_clear_error();
            return std::unexpected(
                ca_path() +
                " and ca.key do not belong together; remove both to have new ones made");
        }
        ca_ = std::move(found);
        return {};
    }
    if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
        return std::unexpected(directory_ + " cannot be made: " + std::strerror(errno));
    }
    auto made = TRY(make_ca());
    TRY(write_private(directory_ + "/ca.key", made.key_pem));
    TRY(write_private(ca_path(), made.certificate_pem));
    ca_ = std::move(made);
    return {};
}

std::expected<std::string, std::string> Authority::ca_pem() {
    std::lock_guard lock(mutex_);
    TRY(ensure());
    return ca_.certificate_pem;
}

std::expected<Certificate, std::string> Authority::leaf(std::string_view name) {
    const std::string key = base::lower(name);
    if (!is_certifiable(key))
        return std::unexpected("\"" + std::string(name) + "\" cannot be named in a certificate");
    std::lock_guard lock(mutex_);
    TRY(ensure());
    if (auto found = leaves_.find(key); found != leaves_.end()) return found->second;
    auto made = TRY(make_leaf(ca_, key));
    if (leaves_.size() >= kMaxCachedLeaves) leaves_.clear();
    leaves_.emplace(key, made);
    return made;
}

struct TlsServer::Inside {
    Inside(Authority& authority, std::vector<std::string> protocols, std::string default_name)
        : authority(authority), default_name(std::move(default_name)) {
        for (const auto& protocol : protocols) {
            wire_protocols += static_cast<char>(protocol.size());
            wire_protocols += protocol;
        }
    }

    struct Pair {
        Cert certificate;
        Key key;
    };

    std::shared_ptr<const Pair> pair_for(std::string name) {
        if (!is_certifiable(name)) name = default_name;
        std::lock_guard lock(mutex);
        if (auto found = pairs.find(name); found != pairs.end()) return found->second;
        const auto leaf = authority.leaf(name);
        if (!leaf) return nullptr;
        auto pair = std::make_shared<const Pair>(
            Pair{read_certificate(leaf->certificate_pem), read_key(leaf->key_pem)});
        if (pairs.size() >= kMaxCachedLeaves) pairs.clear();
        pairs.emplace(std::move(name), pair);
        return pair;
    }

    static int choose_certificate(SSL* ssl, void* argument) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        const auto pair = static_cast<Inside*>(argument)->pair_for(
            name ? base::lower(name) : static_cast<Inside*>(argument)->default_name);
        if (!pair) return 0;
        SSL_use_certificate(ssl, pair->certificate.get());
        SSL_use_PrivateKey(ssl, pair->key.get());
        return 1;
    }

    static int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                               const unsigned char* offered, unsigned offered_size,
                               void* argument) {
        const auto& ours = static_cast<Inside*>(argument)->wire_protocols;
        unsigned char* chosen = nullptr;
        // Nothing in common: go on without, as HTTP/1.1.
        if (SSL_select_next_proto(&chosen, out_size,
                                  reinterpret_cast<const unsigned char*>(ours.data()),
                                  static_cast<unsigned>(ours.size()), offered,
                                  offered_size) != OPENSSL_NPN_NEGOTIATED) {
            return SSL_TLSEXT_ERR_NOACK;
        }
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
    }

    SSL_CTX* ensure() {
        std::lock_guard lock(mutex);
        if (context) return context.get();
        context = make_context(TLS_server_method());
        SSL_CTX_set_cert_cb(context.get(), choose_certificate, this);
        if (!wire_protocols.empty())
            SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, this);
        return context.get();
    }

    Authority& authority;
    std::string default_name;
    std::string wire_protocols;
    std::mutex mutex;
    Context context;
    std::map<std::string, std::shared_ptr<const Pair>, std::less<>> pairs;
};

TlsServer::TlsServer(Authority& authority, std::vector<std::string> protocols,
                     std::string default_name)
    : inside_(std::make_unique<Inside>(authority, std::move(protocols), std::move(default_name))) {}
TlsServer::~TlsServer() = default;

Result<void> TlsServer::accept(Socket& socket, Deadline deadline) {
    auto session = std::make_unique<OpenSslSession>(inside_->ensure(), socket.descriptor());
    if (TRY(session->drive(SSL_accept, deadline, "TLS handshake")) == 0) {
        return std::unexpected(
            Error{ErrorKind::Closed, 0, "TLS handshake: the peer closed the connection"});
    }
    socket.attach_tls(std::move(session));
    return {};
}

struct TlsClient::Inside {
    explicit Inside(Authority* authority, bool trusts_system = false)
        : authority(authority), trusts_system(trusts_system) {}

    Result<SSL_CTX*> ensure() {
        std::lock_guard lock(mutex);
        if (context) return context.get();
        Context made = make_context(TLS_client_method());
        if (authority) {
            const auto pem = authority->ca_pem();
            if (!pem) return std::unexpected(Error{ErrorKind::Tls, 0, pem.error()});
            const Cert ca = read_certificate(*pem);
            X509_STORE_add_cert(SSL_CTX_get_cert_store(made.get()), ca.get());
            SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
        }
        if (trusts_system) {
            SSL_CTX_set_default_verify_paths(made.get());
            SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
        }
        context = std::move(made);
        return context.get();
    }

    Authority* authority;
    bool trusts_system;
    std::mutex mutex;
    Context context;
};

TlsClient::TlsClient(Trust) : inside_(std::make_unique<Inside>(nullptr, true)) {}
TlsClient::TlsClient() : inside_(std::make_unique<Inside>(nullptr)) {}
TlsClient::TlsClient(Authority& authority) : inside_(std::make_unique<Inside>(&authority)) {}
TlsClient::~TlsClient() = default;

Result<void> TlsClient::connect(Socket& socket, std::string_view server_name, Deadline deadline) {
    SSL_CTX* context = TRY(inside_->ensure());
    auto session = std::make_unique<OpenSslSession>(context, socket.descriptor());
    const std::string name(server_name);
    if (const auto literal = Address::tcp(name, 0)) {
        // RFC 6066 §3: literals are not sent as SNI; they are still verified.
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl()), literal->ip().c_str());
    } else if (!name.empty()) {
        SSL_set_tlsext_host_name(session->ssl(), name.c_str());
        SSL_set1_host(session->ssl(), name.c_str());
    }
    if (TRY(session->drive(SSL_connect, deadline, "TLS handshake")) == 0) {
        return std::unexpected(
            Error{ErrorKind::Closed, 0, "TLS handshake: the peer closed the connection"});
    }
    socket.attach_tls(std::move(session));
    return {};
}

namespace {

TlsSession* session_of(const Socket& socket) {
    return const_cast<Socket&>(socket).tls();
}

}  // namespace

std::string tls_server_name(const Socket& socket) {
    return socket.is_tls() ? session_of(socket)->server_name() : "";
}
std::string tls_protocol(const Socket& socket) {
    return socket.is_tls() ? session_of(socket)->protocol() : "";
}
std::string tls_version(const Socket& socket) {
    return socket.is_tls() ? session_of(socket)->version() : "";
}
std::string tls_cipher(const Socket& socket) {
    return socket.is_tls() ? session_of(socket)->cipher() : "";
}

}  // namespace net
