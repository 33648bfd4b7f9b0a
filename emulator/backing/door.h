// How commands beside the app come in to a server: a unix socket and a user with every right.
#pragma once
#include <string>

namespace backing {

struct Door {
    Door() = default;
    Door(std::string socket_path, std::string user_name = "root", std::string user_password = "")
        : socket(std::move(socket_path)),
          user(std::move(user_name)),
          password(std::move(user_password)) {}
    std::string socket, user, password;
};

}  // namespace backing
