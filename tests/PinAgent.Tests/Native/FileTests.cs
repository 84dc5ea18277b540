using System.Diagnostics;
using System.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using Xunit;

namespace PinAgent.Tests.Native;

public sealed class FileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(1_000_000)]
    public void Reads_a_whole_file_whatever_the_buffers_size(int length)
    {
        var content = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        File.WriteAllBytes($"{_folder}/file", content);
        byte[] buffer = [];

        Assert.True(KernelFile.Read(PathOf("file"), ref buffer, out var read).IsSuccess);

        Assert.Equal(content, buffer[..read]);
    }

    [Fact]
    public void Reading_again_into_the_same_buffer_allocates_nothing()
    {
        File.WriteAllText($"{_folder}/file", "0-3\n");
        var path = PathOf("file");
        var buffer = new byte[4096];
        KernelFile.Read(path, ref buffer, out _);
        using var reader = new DirectoryReader();
        var folder = PathOf("");

        // The runtime looks for a function of libc once; whether a test before this one had it do so is chance.
        reader.Open(folder);
        reader.MoveNext();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            KernelFile.Read(path, ref buffer, out _);
            reader.Open(folder);
            while (reader.MoveNext())
            {
                // Only the moving counts.
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Asks_once_for_a_file_that_comes_in_one_piece_and_until_the_end_for_any_other()
    {
        var path = PathOf("pipe");
        using (var made = Process.Start("mkfifo", $"{_folder}/pipe"))
        {
            made.WaitForExit();
        }

        // Held open by a writer, it has no end: whoever asks again hears that there is nothing now.
        using var pipe = new FileStream($"{_folder}/pipe", FileMode.Open, FileAccess.ReadWrite);
        byte[] buffer = [];

        Assert.Equal(
            (Errno.None, "0-3\n", true),
            ReadOf("0-3\n", bufferSize: 4096, isOnePiece: true)
        );
        Assert.Equal(Errno.EAGAIN, ReadOf("0-3\n", bufferSize: 4096, isOnePiece: false).Errno);
        // Neither a part of a line is all, nor what fills the buffer.
        Assert.Equal(Errno.EAGAIN, ReadOf("0-", bufferSize: 4096, isOnePiece: true).Errno);
        Assert.Equal(Errno.EAGAIN, ReadOf("0-3\n", bufferSize: 4, isOnePiece: true).Errno);

        (Errno Errno, string Content, bool IsWhole) ReadOf(
            string written,
            int bufferSize,
            bool isOnePiece
        )
        {
            pipe.Write(Encoding.ASCII.GetBytes(written));
            pipe.Flush();
            buffer = new byte[bufferSize];
            var result = KernelFile.ReadPrefix(
                path,
                ref buffer,
                KernelFile.MaxLength,
                out var length,
                out var isWhole,
                isOnePiece: isOnePiece
            );
            return (result.Errno, Encoding.ASCII.GetString(buffer, 0, length), isWhole);
        }
    }

    [Fact]
    public void Says_what_is_wrong_with_a_file_that_cannot_be_read()
    {
        byte[] buffer = [];
        Assert.Equal(
            Errno.ENOENT,
            KernelFile.Read(PathOf("none"), ref buffer, out var length).Errno
        );
        Assert.Equal(0, length);
        Assert.Equal(Errno.EISDIR, KernelFile.Read(PathOf(""), ref buffer, out _).Errno);
        Assert.Throws<ArgumentException>(() =>
            KernelFile.Read("no zero at its end"u8, ref buffer, out _)
        );
    }

    [Fact]
    public void Reads_where_a_link_points_to_though_nothing_is_there()
    {
        File.CreateSymbolicLink($"{_folder}/link", "anon_inode:kvm-vcpu:3");
        var target = new byte[64];

        Assert.True(KernelFile.ReadLink(PathOf("link"), target, out var length).IsSuccess);

        Assert.Equal("anon_inode:kvm-vcpu:3", Encoding.UTF8.GetString(target, 0, length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    public void Lists_a_folder_of_any_size_without_its_dots(int files)
    {
        for (var i = 0; i < files; i++)
        {
            File.WriteAllText($"{_folder}/{i}", "");
        }

        using var reader = new DirectoryReader();
        var names = new HashSet<string>();
        Assert.True(reader.Open(PathOf("")).IsSuccess);
        while (reader.MoveNext())
        {
            Assert.True(names.Add(Encoding.UTF8.GetString(reader.Name)));
        }

        Assert.Equal(Enumerable.Range(0, files).Select(i => $"{i}").Order(), names.Order());
    }

    [Fact]
    public void A_folder_that_isnt_there_lists_nothing()
    {
        using var reader = new DirectoryReader();

        Assert.Equal(Errno.ENOENT, reader.Open(PathOf("none")).Errno);
        Assert.False(reader.MoveNext());
        Assert.Equal(Errno.ENOTDIR, reader.Open("/proc/self/status\0"u8).Errno);
    }

    [Fact]
    public void Tells_procfs_from_a_copy_of_it()
    {
        Assert.True(FileSystemType.IsProcfs("/proc\0"u8));
        Assert.False(FileSystemType.IsProcfs(PathOf("")));
        Assert.False(FileSystemType.IsProcfs(PathOf("none")));
    }

    [Theory]
    [InlineData(Errno.EPERM, typeof(UnauthorizedAccessException))]
    [InlineData(Errno.ENOENT, typeof(FileNotFoundException))]
    [InlineData(Errno.EIO, typeof(IOException))]
    [InlineData((Errno)4711, typeof(IOException))]
    public void An_error_that_stops_us_keeps_what_was_tried(Errno errno, Type type)
    {
        var problem = new LinuxResult(errno).ToException("read /proc/1/mountinfo");

        Assert.IsType(type, problem);
        Assert.StartsWith("read /proc/1/mountinfo: ", problem.Message);
    }

    private byte[] PathOf(string name) => Encoding.UTF8.GetBytes($"{_folder}/{name}\0");

    [Fact]
    public void A_processs_threads_are_counted_by_its_folders_links()
    {
        using var one = Process.Start("sleep", "inf");
        try
        {
            Assert.True(
                KernelFile
                    .CountFolders(Encoding.UTF8.GetBytes($"/proc/{one.Id}/task\0"), out var count)
                    .IsSuccess
            );
            Assert.Equal(1, count);
        }
        finally
        {
            one.Kill();
        }

        Assert.True(KernelFile.CountFolders("/proc/self/task\0"u8, out var own).IsSuccess);
        Assert.InRange(own, 2, 10_000);
        Assert.Equal(
            Errno.ENOENT,
            KernelFile.CountFolders("/proc/no-such-folder\0"u8, out _).Errno
        );
    }

    [Fact]
    public void A_held_folder_of_a_process_that_has_ended_counts_no_threads()
    {
        using var one = Process.Start("sleep", "inf");
        Assert.True(
            KeptFolder
                .Open(Encoding.UTF8.GetBytes($"/proc/{one.Id}/task\0"), null, out var folder)
                .IsSuccess
        );
        using (folder)
        {
            Assert.True(folder!.CountFolders(out var alive).IsSuccess);
            one.Kill();
            one.WaitForExit();
            Assert.True(folder.CountFolders(out var dead).IsSuccess);
            Assert.Equal((1, 0), (alive, dead));
        }
    }
}
