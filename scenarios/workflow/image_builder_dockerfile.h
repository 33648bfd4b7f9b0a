// A Dockerfile, parsed (Dockerfile reference, "Format"): the subset FROM ARG ENV WORKDIR COPY RUN
// EXPOSE USER CMD ENTRYPOINT LABEL VOLUME STOPSIGNAL HEALTHCHECK, with stages. Anything else is an
// error that names the line, never something that is skipped.
#pragma once
#include <expected>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace scenarios {

struct BuildError {
    std::string file;
    unsigned line = 0;  // 0 = not about a line
    std::string text;
    std::string to_string() const {
        return line ? file + ":" + std::to_string(line) + ": " + text : text;
    }
};

template <class T>
using BuildResult = std::expected<T, BuildError>;

struct Instruction {
    enum class Kind {
        From,
        Arg,
        Env,
        Workdir,
        Copy,
        Run,
        Expose,
        User,
        Cmd,
        Entrypoint,
        Label,
        Volume,
        StopSignal,
        HealthCheck
    };
    Kind kind = Kind::Run;
    unsigned line = 0;
    std::string text;  // as written, continuations joined: part of the cache key
    std::string rest;  // after the name and the flags
    std::map<std::string, std::string> flags;  // "from", "chown", "platform"
    bool exec_form = false;                    // ["a", "b"]
    std::vector<std::string>
        words;  // of the exec form, else split at white space (COPY, EXPOSE, FROM, VOLUME)
    std::vector<std::pair<std::string, std::string>>
        pairs;  // ENV, LABEL and ARG; an ARG without value has "\0" as value
};

inline const std::string kNoValue("\0", 1);

// `file` is the name that errors show.
BuildResult<std::vector<Instruction>> parse_dockerfile(const std::string& file,
                                                       std::string_view text);

// An image that a build begins with or copies from.
struct BaseImage {
    std::string name;
    unsigned line = 0;
    bool operator==(const BaseImage&) const = default;
};

struct BaseImageOptions {
    std::string target;                            // --target, "" = the last stage
    std::string platform;                          // --platform, "" = this machine's
    std::map<std::string, std::string> arguments;  // --build-arg
    std::set<std::string> contexts;                // names that --build-context gives
};

// The images that the target and the stages it needs name in FROM and COPY --from ("Multi-stage
// builds": BuildKit leaves the others out). For an engine, which builds more than the subset: what
// is outside it is passed over.
std::vector<BaseImage> base_images(std::string_view text, const BaseImageOptions& options);

// $NAME ${NAME} ${NAME:-word} ${NAME:+word}; \$ is a dollar. Unknown names are empty.
std::string substitute(std::string_view text, const std::map<std::string, std::string>& values);

// The rules of .dockerignore: the last pattern that matches decides, `!` takes back, `**` spans
// directories, and what lies below an ignored directory is ignored with it.
class IgnoreRules {
  public:
    IgnoreRules() = default;
    explicit IgnoreRules(std::string_view text);
    bool ignores(const std::string& path) const;  // relative to the context, with "/"
    // A directory may be skipped whole only if nothing below could be taken back.
    bool has_exceptions() const { return exceptions_; }

  private:
    struct Rule {
        std::string pattern;
        bool take_back;
    };
    std::vector<Rule> rules_;
    bool exceptions_ = false;
};

// One path against one pattern: `*` and `?` stay within a component, `**` does not.
bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace scenarios
