// The machine: its disk and its clock; short versions.

import { survives } from './short.ts';

survives('F7', 'a full disk refuses new messages at once, keeps the accepted ones, and accepts again when there is space');
survives('F20', 'a damaged write-ahead log opens, says what is gone, and sends nothing doubtful');
survives('slowSync', 'a disk that takes 20 ms for every sync is slow and nothing else');
survives('F11', 'a clock that jumps by 40 days expires nothing and forgets no copy');
