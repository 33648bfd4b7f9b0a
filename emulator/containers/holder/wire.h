// The conversation between the emulator and a holder, over one SEQPACKET socket (descriptor 3 of
// the holder).
//
//   request   number, verb, arguments…      with descriptors, one datagram
//   reply     number, errno, text           with descriptors, one datagram; errno "0" = done
//   event     "0", "exited", name, wait status
//   event     "0", "ready", ""              once, when the network stands; or "0", "failed",
//   sentence
//
//   listen ADDRESS PORT | udp ADDRESS PORT | socket [FROM]    → the socket
//   interfaces                                                 → text: the task's /proc/net/dev
//   start NAME, descriptor: the container's description        → pidfd, read ends of its two
//   outputs
//   exec  NAME CONTAINER, descriptor: the description          → pidfd, read ends of its two
//   outputs, and with "input" the write end of its input. With "terminal" the first of the outputs
//   is a socket with one message, which brings the terminal's master.
// End of file on the socket means that the emulator is gone: everything is killed.
//
// Fields are length-prefixed, so contents may hold any byte. A container's description is such a
// list too, of pairs (key, value); it travels in a memory file, because environments may be larger
// than a datagram.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace holder {

inline constexpr int kControlDescriptor = 3;
inline constexpr size_t kMaxDatagramBytes = 64 * 1024;
// The first of the 65,536 identities that a task's users are mapped to when the emulator is
// privileged.
inline constexpr unsigned kFirstIdentity = 100'000;
inline constexpr unsigned kIdentities = 65'536;

inline void put(std::string& out, std::string_view field) {
    uint32_t size = static_cast<uint32_t>(field.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out.append(field);
}

// Nothing at all when the bytes do not add up.
inline std::vector<std::string> take_fields(std::string_view bytes) {
    std::vector<std::string> fields;
    while (!bytes.empty()) {
        uint32_t size = 0;
        if (bytes.size() < sizeof size) return {};
        std::memcpy(&size, bytes.data(), sizeof size);
        bytes.remove_prefix(sizeof size);
        if (bytes.size() < size) return {};
        fields.emplace_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return fields;
}

// Keys of a description, in the order in which they may repeat:
//   layer      directory below the holder's own, topmost first        upper, work   directories of
//   the overlay arg env    one each                                               cwd user hostname
//   capability one that is kept, "CHOWN"                open_files most_open_files memory
//   file       path, then "mode" and "content"                        volume        path, then
//   "source" and "access" read_only init                                                    "yes"
//   identities "range" or "one"                                       input         "yes"
//   terminal   "ROWS COLUMNS"
//   root       "host" = this machine's own root, read-only but for the volumes, and a /tmp of its
//   own

}  // namespace holder
