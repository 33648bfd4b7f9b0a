// What the process holds of the machine's memory.
#pragma once

namespace base {

// Unmaps the pages of code and constants that only the start touched, and gives freed heap back.
// They are clean pages of files: what is needed again is mapped again from the page cache. Cheap
// (well below 1 ms).
void give_back_start_pages();

}  // namespace base
