// Runs every file of the folders named on the command line through the fuzz target that its folder is named after.
#include <dirent.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "stream.h"

int main(int argc, char** argv) {
    int files = 0;
    for (int i = 1; i < argc; i++) {
        std::string folder = argv[i];
        std::string name = folder.substr(folder.find_last_of('/') + 1);
        auto target = name == "annexb" ? fuzz_annexb : name == "parameters" ? fuzz_parameters : fuzz_stream;
        DIR* dir = opendir(folder.c_str());
        if (dir == nullptr) {
            std::fprintf(stderr, "no such folder: %s\n", folder.c_str());
            return 1;
        }
        while (dirent* entry = readdir(dir)) {
            if (entry->d_name[0] == '.') continue;
            std::ifstream in(folder + "/" + entry->d_name, std::ios::binary);
            std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
            target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
            files++;
        }
        closedir(dir);
    }
    std::printf("%d inputs replayed\n", files);
    return files > 0 ? 0 : 1;
}
