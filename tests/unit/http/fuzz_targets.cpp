// The fuzz targets as ordinary functions; http1_test replays their corpora.
#include "fuzz/http1_fuzz.cpp"
