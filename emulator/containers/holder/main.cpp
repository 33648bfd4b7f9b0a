// dodam-holder: the one process that stands between the emulator and a task (decision 19: a task is
// an empty network and a tiny holder that makes sockets in it). Static, because the same file is
// the placeholder image's program.
//   dodam-holder task ADDRESS range|one      descriptor 3 is the control socket, see wire.h
//   dodam-holder pause ADDRESS SOCKET        in the pause container of the Docker runtime
//   dodam-holder placeholder [STEP…]         inside the placeholder image
#include <stdio.h>
#include <string.h>

#include "containers/holder/roles.h"

int main(int count, char** arguments) {
    if (count == 4 && !strcmp(arguments[1], "task"))
        return holder::run_task(arguments[2], arguments[3]);
    if (count == 4 && !strcmp(arguments[1], "pause"))
        return holder::run_pause(arguments[2], arguments[3]);
    if (count >= 2 && !strcmp(arguments[1], "placeholder"))
        return holder::run_placeholder(arguments + 2, count - 2);
    fprintf(stderr, "dodam-holder is started by dodam\n");
    return 2;
}
