// Runs every file of the folders named on the command line through the fuzz target that its folder is named after.
#include <dirent.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "targets.h"

namespace {

struct Target {
    const char* name;
    void (*run)(const uint8_t* data, size_t bytes);
};

const Target kTargets[] = {
    {"annexb", fuzz_annexb},           {"hevc_parameters", fuzz_hevc_parameters}, {"hevc_pieces", fuzz_hevc_pieces},
    {"hevc_stream", fuzz_hevc_stream}, {"parameters", fuzz_parameters},           {"pieces", fuzz_pieces},
    {"stream", fuzz_stream},
};

const Target* find_target(const std::string& name) {
    for (const Target& target : kTargets)
        if (name == target.name) return &target;
    return nullptr;
}

// The number of files replayed, -1 if that cannot be done.
int replay(const std::string& folder) {
    const Target* target = find_target(folder.substr(folder.find_last_of('/') + 1));
    DIR* dir = opendir(folder.c_str());
    if (target == nullptr || dir == nullptr) {
        std::fprintf(stderr, "%s: %s\n", folder.c_str(),
                     dir == nullptr ? "no such folder" : "not named after a target");
        if (dir != nullptr) closedir(dir);
        return -1;
    }
    int files = 0;
    while (dirent* entry = readdir(dir)) {
        if (entry->d_name[0] == '.') continue;
        std::ifstream in(folder + "/" + entry->d_name, std::ios::binary);
        std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        target->run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
        files++;
    }
    closedir(dir);
    return files;
}

}  // namespace

int main(int argc, char** argv) {
    int files = 0;
    for (int i = 1; i < argc; i++) {
        int replayed = replay(argv[i]);
        if (replayed < 0) return 1;
        files += replayed;
    }
    std::printf("%d inputs replayed\n", files);
    return files > 0 ? 0 : 1;
}
