// Signed URLs and cookies: cloudfront.md §6.8, §10 #90, #91.
#include "cloudfront/signed_request.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>

#include "base/encoding.h"
#include "make.h"

using namespace cloudfront;
using test::Request;

namespace {

const Time kNow{base::seconds(1'790'000'000)};

struct Signer {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    ~Signer() { EVP_PKEY_free(key); }
    std::string pem() const {
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PUBKEY(bio, key);
        char* data = nullptr;
        long size = BIO_get_mem_data(bio, &data);
        std::string text(data, static_cast<size_t>(size));
        BIO_free(bio);
        return text;
    }
    std::string sign(std::string_view text) const {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, nullptr, EVP_sha1(), nullptr, key);
        size_t size = 0;
        EVP_DigestSign(context, nullptr, &size, reinterpret_cast<const unsigned char*>(text.data()),
                       text.size());
        std::string raw(size, '\0');
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(raw.data()), &size,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size());
        EVP_MD_CTX_free(context);
        raw.resize(size);
        return encode(raw);
    }
    static std::string encode(std::string_view bytes) {
        std::string text = base::to_base64(bytes);
        for (char& c : text)
            c = c == '+' ? '-' : c == '=' ? '_' : c == '/' ? '~' : c;
        return text;
    }
};

std::string canned(std::string_view url, int64_t expires) {
    return R"({"Statement":[{"Resource":")" + std::string(url) +
           R"(","Condition":{"DateLessThan":{"AWS:EpochTime":)" + std::to_string(expires) + "}}}]}";
}

}  // namespace

TEST_CASE("signed URLs and cookies: what is admitted and why not (#90, #91)", "[cloudfront]") {
    Signer signer;
    CacheBehavior behavior;
    behavior.pattern = "*";
    behavior.needs_signature = true;
    behavior.trusted_keys = {{"K1", signer.pem()}};
    const int64_t later = 1'790'000'060, earlier = 1'789'999'999;
    auto check = [&](std::string target, http::HeaderList headers = {}) {
        headers.add("Host", "d1.cloudfront.net");
        Request request("GET", std::move(target), std::move(headers));
        return check_signature(behavior, request.view, kNow);
    };
    auto url = [&](std::string_view path, int64_t expires) {
        return std::string(path) + (path.find('?') == std::string_view::npos ? "?" : "&") +
               "Expires=" + std::to_string(expires) + "&Signature=" +
               signer.sign(canned("http://d1.cloudfront.net" + std::string(path), expires)) +
               "&Key-Pair-Id=K1";
    };
    CHECK(check("/a").code == "MissingKey");
    CHECK(check("/a?Expires=1&Signature=x&Key-Pair-Id=K2").code == "InvalidKey");
    CHECK(check("/a?Expires=1&Signature=%%&Key-Pair-Id=K1").code == "MalformedSignature");
    CHECK(check("/a?Policy=!!&Signature=AAAA&Key-Pair-Id=K1").code == "MalformedPolicy");
    CHECK(check(url("/a", later)).admitted);
    CHECK(check(url("/a?size=1", later)).admitted);
    CHECK(check(url("/a", earlier)).code == "AccessDenied");
    std::string other = url("/a", later);
    other[1] = 'b';
    CHECK(check(other).code == "AccessDenied");

    std::string policy =
        R"({"Statement":[{"Resource":"http://d1.cloudfront.net/dir/*","Condition":{"DateLessThan":{"AWS:EpochTime":1790000060},"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]})";
    std::string parameters = "Policy=" + Signer::encode(policy) +
                             "&Signature=" + signer.sign(policy) + "&Key-Pair-Id=K1";
    CHECK(check("/dir/a?" + parameters).admitted);
    CHECK(check("/dir/a?x=1&" + parameters).admitted);
    CHECK(check("/other?" + parameters).code == "AccessDenied");
    http::HeaderList cookies = {{"Cookie", "CloudFront-Policy=" + Signer::encode(policy) +
                                               "; CloudFront-Signature=" + signer.sign(policy) +
                                               "; CloudFront-Key-Pair-Id=K1"}};
    CHECK(check("/dir/b", cookies).admitted);
    CHECK(check("/other", cookies).code == "AccessDenied");
    CHECK(is_public_key(signer.pem()));
    CHECK_FALSE(is_public_key("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    CHECK(without_signature_parameters("a=1&Expires=2&Signature=3&Key-Pair-Id=4&b=5&Policy=6") ==
          "a=1&b=5");
}
