// madvise(2) on the read-only segments of every loaded object. Writable segments hold relocated
// pointers and are left alone.
#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace base {

void give_back_start_pages() {
    ::malloc_trim(0);
    dl_iterate_phdr(
        [](dl_phdr_info* object, size_t, void*) {
            const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
            for (int i = 0; i < object->dlpi_phnum; ++i) {
                const auto& segment = object->dlpi_phdr[i];
                if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
                const uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
                const uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
                // Refused for what is no file (the kernel's own object): nothing to give back
                // there.
                (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
            }
            return 0;
        },
        nullptr);
}

}  // namespace base
